"""Traces under the real server, sent to a real collector; and that they cost nothing where nobody collects them."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from ai_service.control import StandIn
from tests.observability.collector import Collected, Collector
from tests.server import Server
from tests.services import ROOT
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "Mon fils Ludovic a sept ans, comment demander l'AEEH ?"


@pytest.fixture
def collector() -> Iterator[Collector]:
    running = Collector()
    yield running
    running.close()


@pytest.fixture
def traced(ai: StandIn, transactional_db: None, collector: Collector) -> Iterator[Server]:
    where = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    server = Server(workers=2, DRAIN_SECONDS="0", **where)
    yield server
    server.stop()


def someone_elses_trace() -> tuple[str, str, dict[str, str]]:
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    return trace, span, {"traceparent": f"00-{trace}-{span}-01"}


def the(spans: list[Collected], prefix: str) -> list[Collected]:
    return sorted((span for span in spans if span.name.startswith(prefix)), key=lambda span: span.began)


def test_one_trace_from_the_callers_through_attempts_redis_and_sql_without_a_word_of_what_was_said(
    traced, collector, ai
):
    ai.fail("error", status=503, count=1)
    trace, caller, headers = someone_elses_trace()
    reply = traced.ask(QUESTION, headers=headers | {"X-Correlation-ID": "traced-1"})
    assert reply.json()["origin"] == "ai"
    eventually(lambda: len(the(collector.of(trace), "POST /api/chat/message")) == 1, 15)
    spans = collector.of(trace)
    (request,) = the(spans, "POST /api/chat/message")
    assert (request.parent, request.kind, request.service) == (caller, "SPAN_KIND_SERVER", "chat-bff")
    assert request.attributes["correlation.id"] == "traced-1"
    assert request.attributes["http.response.status_code"] == 200

    failed, answered = the(spans, "chat stand-in")
    assert [failed.parent, answered.parent] == [request.id, request.id]
    assert failed.has_failed
    assert failed.attributes["error.type"] == "http_503"
    assert [each.attributes["http.request.resend_count"] for each in (failed, answered)] == [0, 1]
    assert answered.attributes["gen_ai.operation.name"] == "chat"
    assert answered.attributes["gen_ai.request.model"] == "stand-in"
    assert answered.attributes["gen_ai.usage.output_tokens"] > 0
    assert answered.attributes["correlation.id"] == "traced-1"
    # The AI service is told which attempt it serves.
    parents = [call["headers"]["traceparent"].split("-")[1:3] for call in ai.requests]
    assert parents == [[trace, failed.id], [trace, answered.id]]

    known = {span.id for span in spans} | {caller}
    assert all(span.parent in known for span in spans)
    assert {"GET", "EVALSHA", "UPDATE"} <= {span.name.split()[0] for span in spans}
    assert any(
        span.attributes.get("db.system.name", span.attributes.get("db.system")) == "postgresql" for span in spans
    )

    told = json.dumps([[span.name, span.attributes] for span in spans], default=str, ensure_ascii=False)
    assert "Ludovic" not in told
    assert not any(word in told for word in reply.json()["response"].split() if len(word) > 9)


def test_a_stream_is_one_span_to_its_end_and_its_lines_say_the_trace(traced, collector, ai):
    ai.pace(30)
    trace, _, headers = someone_elses_trace()
    with requests.post(
        f"{traced.url}/api/chat/stream", json={"message": QUESTION}, headers=headers, stream=True
    ) as reply:
        assert reply.content.endswith(b"[DONE]\n\n")
    eventually(lambda: len(the(collector.of(trace), "POST")) == 1, 15)
    (request,) = the(collector.of(trace), "POST /api/chat/stream")
    (attempt,) = the(collector.of(trace), "chat stand-in")
    assert request.began <= attempt.began <= attempt.ended <= request.ended
    lines = [json.loads(line) for line in traced.lines() if reply.headers["X-Correlation-ID"] in line]
    assert {"AI call finished", "Request handled"} <= {line["message"] for line in lines}
    assert {line.get("traceId") for line in lines} == {trace}


def test_the_attempt_to_explain_a_document_belongs_to_its_request(traced, collector, ai):
    trace, _, headers = someone_elses_trace()
    letter = {"document": "La MDPH vous demande un certificat médical avant le 12 mars 2026."}
    reply = requests.post(f"{traced.url}/api/chat/analyze-document", json=letter, headers=headers, timeout=60)
    assert reply.json()["degraded"] is None
    eventually(lambda: len(the(collector.of(trace), "POST")) == 1, 15)
    (request,) = the(collector.of(trace), "POST /api/chat/analyze-document")
    (attempt,) = the(collector.of(trace), "chat stand-in")
    assert attempt.parent == request.id


def test_each_worker_traces_and_nothing_of_one_request_gets_into_anothers(traced, collector):
    asked = [someone_elses_trace() for _ in range(20)]
    with ThreadPoolExecutor(10) as people:
        list(people.map(lambda number: traced.ask(f"Question {number} ?", headers=asked[number][2]), range(20)))
    eventually(lambda: all(the(collector.of(trace), "POST") for trace, _, _ in asked), 15)
    for trace, caller, _ in asked:
        (request,) = the(collector.of(trace), "POST /api/chat/message")
        assert request.parent == caller
        assert [span.parent for span in the(collector.of(trace), "chat stand-in")] == [request.id]


def test_the_last_spans_are_sent_before_the_end_and_none_that_nobody_waited_for(traced, collector):
    """Leases are renewed, gauges and breakers looked at: no traces of their own."""
    trace, _, headers = someone_elses_trace()
    traced.ask(QUESTION, headers=headers)
    traced.process.leave()
    assert the(collector.of(trace), "POST /api/chat/message")
    asked = {span.trace for span in collector.spans if span.kind == "SPAN_KIND_SERVER"}
    assert {span.trace for span in collector.spans} == asked


def test_a_collector_that_is_away_costs_no_answer(ai, transactional_db):
    server = Server(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_BSP_SCHEDULE_DELAY="100")
    assert server.ask(QUESTION).json()["origin"] == "ai"
    server.stop()


LOOK = """
import sys, threading
import redis.client, redis.observability  # imports OpenTelemetry's interfaces by itself where they are installed
theirs = set(sys.modules)
from bff.wsgi import application
from django.test import Client
Client().get("/healthz")
from observability import tracing
print(sorted(name for name in set(sys.modules) - theirs if name.startswith(("opentelemetry", "observability.spans"))),
      sorted(thread.name for thread in threading.enumerate() if "pan" in thread.name or "Otel" in thread.name),
      tracing.begin(lambda: 1 / 0).traceparent()[:3])
"""


def look(program: str = LOOK, **env: str) -> subprocess.CompletedProcess[str]:
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
    ids=["nothing said", "no exporter", "disabled"],
)
def test_off_it_imports_nothing_and_starts_no_thread(env):
    assert look(**env).stdout.splitlines()[-1] == "[] [] 00-"


def test_without_its_packages_it_says_so_and_goes_on():
    missing = "sys.modules['opentelemetry.exporter'] = None\nfrom bff.wsgi"
    lines = look(LOOK.replace("from bff.wsgi", missing), OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9").stdout
    assert "Tracing is off: install chat-bff[otel]" in lines
    assert lines.splitlines()[-1] == "['opentelemetry.exporter'] [] 00-"


def test_off_a_callers_trace_goes_on_all_the_same(server, ai):
    trace, _, headers = someone_elses_trace()
    server.ask(QUESTION, headers=headers)
    (call,) = ai.requests
    assert call["headers"]["traceparent"].split("-")[1] == trace
    assert not any("traceId" in line for line in server.lines())
