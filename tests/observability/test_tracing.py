"""Traces of a real server, exported to a test collector; without a collector tracing costs nothing."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span

from ai_service.control import StandIn
from observability.tracing.otel import ExporterWithoutMessages, OpenTelemetrySpan
from tests.observability.collector import CollectedSpan, Collector
from tests.support.factories import new_entry
from tests.support.polling import eventually
from tests.support.server import Server
from tests.support.services import ROOT
from tests.support.sse import read_start

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Mon fils Ludovic a sept ans, comment demander l'AEEH ?"


@pytest.fixture
def collector() -> Iterator[Collector]:
    running = Collector()
    yield running
    running.close()


@pytest.fixture
def traced(ai: StandIn, transactional_db: None, collector: Collector) -> Iterator[Server]:
    new_entry()
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    server = Server(workers=2, DRAIN_SECONDS="0", **env)
    yield server
    server.stop()


@pytest.fixture
def other_traced(traced: Server, collector: Collector) -> Iterator[Server]:
    server = Server(DRAIN_SECONDS="0", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    yield server
    server.stop()


def new_caller_trace() -> tuple[str, str, dict[str, str]]:
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    return trace, span, {"traceparent": f"00-{trace}-{span}-01"}


def named(spans: list[CollectedSpan], prefix: str) -> list[CollectedSpan]:
    return sorted((span for span in spans if span.name.startswith(prefix)), key=lambda span: span.started_at)


def test_one_trace_covers_request_attempts_redis_and_sql_without_any_content(traced, collector, ai):
    ai.fail("error", status=503, count=1)
    trace, caller, headers = new_caller_trace()
    reply = traced.ask(QUESTION, headers=headers | {"X-Correlation-ID": "traced-1"})
    assert reply.json()["origin"] == "ai"
    eventually(lambda: len(named(collector.spans_of(trace), "POST /api/chat/message")) == 1, 15)
    spans = collector.spans_of(trace)
    (request,) = named(spans, "POST /api/chat/message")
    assert (request.parent, request.kind, request.service) == (caller, "SPAN_KIND_SERVER", "chat-bff")
    assert request.attributes["correlation.id"] == "traced-1"
    assert request.attributes["http.response.status_code"] == 200

    failed, answered = named(spans, "chat stand-in")
    assert [failed.parent, answered.parent] == [request.id, request.id]
    assert failed.has_failed
    assert failed.attributes["error.type"] == "http_503"
    assert [each.attributes["http.request.resend_count"] for each in (failed, answered)] == [0, 1]
    assert answered.attributes["gen_ai.operation.name"] == "chat"
    assert answered.attributes["gen_ai.request.model"] == "stand-in"
    assert answered.attributes["gen_ai.usage.output_tokens"] > 0
    assert answered.attributes["correlation.id"] == "traced-1"
    # Each call to the AI service carries the span of its attempt.
    parents = [call["headers"]["traceparent"].split("-")[1:3] for call in ai.requests]
    assert parents == [[trace, failed.id], [trace, answered.id]]

    known = {span.id for span in spans} | {caller}
    assert all(span.parent in known for span in spans)
    assert {"GET", "EVALSHA", "UPDATE"} <= {word for span in spans for word in span.name.split()}
    assert any(
        span.attributes.get("db.system.name", span.attributes.get("db.system")) == "postgresql" for span in spans
    )

    exported = json.dumps([[span.name, span.attributes] for span in spans], default=str, ensure_ascii=False)
    assert "Ludovic" not in exported
    assert not any(word in exported for word in reply.json()["response"].split() if len(word) > 9)


def test_a_streams_span_lasts_to_its_end_and_its_log_lines_have_the_trace_id(traced, collector, ai):
    ai.pace(30)
    trace, _, headers = new_caller_trace()
    with requests.post(
        f"{traced.url}/api/chat/stream", json={"message": QUESTION}, headers=headers, stream=True
    ) as reply:
        assert reply.content.endswith(b"[DONE]\n\n")
    eventually(lambda: len(named(collector.spans_of(trace), "POST")) == 1, 15)
    (request,) = named(collector.spans_of(trace), "POST /api/chat/stream")
    (attempt,) = named(collector.spans_of(trace), "chat stand-in")
    assert request.started_at <= attempt.started_at <= attempt.ended_at <= request.ended_at
    lines = [json.loads(line) for line in traced.lines() if reply.headers["X-Correlation-ID"] in line]
    assert {"AI call finished", "Request handled"} <= {line["message"] for line in lines}
    assert {line.get("traceId") for line in lines} == {trace}


def test_the_attempt_of_a_document_analysis_is_a_child_of_its_request(traced, collector, ai):
    trace, _, headers = new_caller_trace()
    letter = {"document": "La MDPH vous demande un certificat médical avant le 12 mars 2026."}
    reply = requests.post(f"{traced.url}/api/chat/analyze-document", json=letter, headers=headers, timeout=60)
    assert reply.json()["degraded"] is None
    eventually(lambda: len(named(collector.spans_of(trace), "POST")) == 1, 15)
    (request,) = named(collector.spans_of(trace), "POST /api/chat/analyze-document")
    (attempt,) = named(collector.spans_of(trace), "chat stand-in")
    assert attempt.parent == request.id


def test_concurrent_requests_in_two_workers_have_separate_traces(traced, collector):
    traces = [new_caller_trace() for _ in range(20)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda number: traced.ask(f"Question {number} ?", headers=traces[number][2]), range(20)))
    eventually(lambda: all(named(collector.spans_of(trace), "POST") for trace, _, _ in traces), 15)
    for trace, caller, _ in traces:
        (request,) = named(collector.spans_of(trace), "POST /api/chat/message")
        assert request.parent == caller
        assert [span.parent for span in named(collector.spans_of(trace), "chat stand-in")] == [request.id]


def test_an_answer_is_followed_resumed_and_stopped_on_another_traced_server(traced, other_traced, ai):
    ai.pace(20)
    visitor, question = traced.visitor(), {"message": "Comment souffler un peu ?"}
    with visitor.post(f"{traced.url}/api/chat/stream", json=question, stream=True, timeout=60) as first:
        conversation, _ = read_start(first.iter_lines())
        path = f"{other_traced.url}/api/chat/{conversation}"
        followed = requests.post(f"{other_traced.url}/api/chat/stream", json=question, stream=True, timeout=60)
        with followed, visitor.get(f"{path}/stream", stream=True, timeout=60) as resumed:
            lines = resumed.iter_lines()
            read_start(lines)
            assert any(b"text-delta" in line for line in lines)
            assert visitor.post(f"{path}/stop", json={}).json() == {"stopped": True}
            assert b'"ending":"stopped"' in b"".join(lines)
            assert b"text-delta" in followed.content
    assert ai.calls == 1


def test_the_last_spans_are_exported_at_shutdown_and_background_work_has_none(traced, collector):
    """Renewing leases, updating gauges and reading breakers create no traces."""
    trace, _, headers = new_caller_trace()
    traced.ask(QUESTION, headers=headers)
    traced.process.stop_gracefully()
    assert named(collector.spans_of(trace), "POST /api/chat/message")
    requested = {span.trace for span in collector.spans if span.kind == "SPAN_KIND_SERVER"}
    assert {span.trace for span in collector.spans} == requested


def test_an_unavailable_collector_costs_no_answer(ai, transactional_db):
    new_entry()
    server = Server(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_BSP_SCHEDULE_DELAY="100")
    assert server.ask(QUESTION).json()["origin"] == "ai"
    server.stop()


PROGRAM = """
import sys, threading
import redis.client, redis.observability  # imports OpenTelemetry's API itself if it is installed
before = set(sys.modules)
from bff.wsgi import application
from django.test import Client
Client().get("/healthz")
from observability import tracing
prefixes = ("opentelemetry", "observability.tracing.otel")
print(sorted(name for name in set(sys.modules) - before if name.startswith(prefixes)),
      sorted(thread.name for thread in threading.enumerate() if "pan" in thread.name or "Otel" in thread.name),
      tracing.start_span(lambda: 1 / 0).traceparent()[:3])
"""


def run_program(program: str = PROGRAM, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=True
    )


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
    ],
    ids=["not configured", "no exporter", "disabled"],
)
def test_when_off_nothing_is_imported_and_no_thread_started(env):
    assert run_program(**env).stdout.splitlines()[-1] == "[] [] 00-"


FAILING_QUERY = """
from bff.wsgi import application
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from observability.tracing import TracingMiddleware
Client().get("/healthz")

def view(request):
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT CAST(%s AS integer)", ["Ludovic"])
    except DatabaseError as error:
        print(error)
    return HttpResponse()

TracingMiddleware(view)(RequestFactory().get("/healthz"))
"""


def test_what_an_error_of_the_database_quotes_is_not_exported(collector):
    told = run_program(FAILING_QUERY, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url).stdout
    assert 'invalid input syntax for type integer: "Ludovic"' in told
    (failed,) = [span for span in collector.spans if span.has_failed]
    assert failed.attributes["error.type"] == "psycopg.errors.InvalidTextRepresentation"
    assert b"Ludovic" not in collector.received


def exported(record: Callable[[OpenTelemetrySpan, Span], None]) -> ReadableSpan:
    """A span as it is exported."""
    memory, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(ExporterWithoutMessages(memory)))
    span = provider.get_tracer("test").start_span("call")
    record(OpenTelemetrySpan(span), span)
    (finished,) = memory.get_finished_spans()
    assert not finished.events
    return finished


def test_the_code_of_an_error_is_not_replaced_by_the_type_of_its_exception():
    def record(ours: OpenTelemetrySpan, span: Span) -> None:
        span.record_exception(ValueError("Ludovic"))
        ours.end("http_503")

    assert exported(record).attributes == {"error.type": "http_503"}


def test_the_first_exception_of_a_span_gives_its_type():
    def record(ours: OpenTelemetrySpan, span: Span) -> None:
        span.record_exception(ValueError("Ludovic"))
        span.record_exception(KeyError("Ludovic"))
        ours.end()

    assert exported(record).attributes == {"error.type": "ValueError"}


def test_an_event_that_is_no_exception_makes_no_error():
    def record(ours: OpenTelemetrySpan, span: Span) -> None:
        span.add_event("retry")
        ours.end()

    assert exported(record).attributes == {}


def test_missing_packages_are_logged_and_tracing_is_off():
    missing = "sys.modules['opentelemetry.exporter'] = None\nfrom bff.wsgi"
    lines = run_program(
        PROGRAM.replace("from bff.wsgi", missing), OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9"
    ).stdout
    assert "Tracing is off: pip install --require-hashes -r requirements-otel.lock" in lines
    assert lines.splitlines()[-1] == "['opentelemetry.exporter'] [] 00-"


def test_when_off_the_callers_trace_is_still_passed_on(server, ai):
    trace, _, headers = new_caller_trace()
    server.ask(QUESTION, headers=headers)
    (call,) = ai.requests
    assert call["headers"]["traceparent"].split("-")[1] == trace
    assert not any("traceId" in line for line in server.lines())
