"""Tracing where it is on; imported by observability.tracing only then."""

from __future__ import annotations

import os

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from observability import correlation, labels, streams
from observability.tracing import Attributes, GetResponse, Span

_w3c = TraceContextTextMapPropagator()


class CollectedSpan(Span):
    """See Span."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def traceparent(self) -> str:
        carrier: dict[str, str] = {}
        _w3c.inject(carrier, trace.set_span_in_context(self._span))
        return carrier["traceparent"]

    def note(self, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)

    def end(self, error: str = "") -> None:
        if error:
            self._span.set_attribute("error.type", error)
            self._span.set_status(trace.StatusCode.ERROR)
        self._span.end()


class OpenTelemetry:
    """Our own spans, and those of the libraries that talk to Redis and PostgreSQL, sent in batches."""

    def __init__(self) -> None:
        _name_service()
        processor = BatchSpanProcessor(_exporter())
        ours = TracerProvider()
        ours.add_span_processor(processor)
        self._tracer = ours.get_tracer("chat-bff")
        # Redis is asked all the time – leases, mirrors, probes: of that only what a request caused is worth a span.
        libraries = TracerProvider(sampler=ParentBased(ALWAYS_OFF), shutdown_on_exit=False)
        libraries.add_span_processor(processor)
        os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "database,http")
        RedisInstrumentor().instrument(tracer_provider=libraries)
        PsycopgInstrumentor().instrument(tracer_provider=libraries)

    def begin(self, name: str, attributes: Attributes) -> Span:
        ours: Attributes = {"correlation.id": str(correlation.current())}
        span = self._tracer.start_span(name, kind=trace.SpanKind.CLIENT, attributes=ours | attributes)
        return CollectedSpan(span)

    def serve(self, request: HttpRequest, get_response: GetResponse) -> HttpResponseBase:
        span = self._tracer.start_span(labels.method(request), _parent(request), trace.SpanKind.SERVER)
        _remember(span)
        with trace.use_span(span, end_on_exit=False):
            response = get_response(request)
        if streams.is_stream(response):
            streams.watch(response, lambda stream: _end(span, request, response, stream.ended or ""))
        else:
            _end(span, request, response, "complete")
        return response


def _name_service() -> None:
    if "service.name=" not in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        os.environ.setdefault("OTEL_SERVICE_NAME", "chat-bff")


def _exporter() -> SpanExporter:
    """OTLP over HTTP, which needs no compiled packages; `console` is for the eyes of who develops."""
    return ConsoleSpanExporter() if os.environ.get("OTEL_TRACES_EXPORTER") == "console" else OTLPSpanExporter()


def _parent(request: HttpRequest) -> Context:
    return _w3c.extract({name.lower(): value for name, value in request.headers.items()})


def _remember(span: trace.Span) -> None:
    """Have log lines say the trace, wherever the correlation id goes."""
    here, context = correlation.current(), span.get_span_context()
    if isinstance(here, correlation.CorrelationId):
        here.trace, here.flags = trace.format_trace_id(context.trace_id), f"{context.trace_flags:02x}"
        here.is_collected = True


def _end(span: trace.Span, request: HttpRequest, response: HttpResponseBase, ended: str) -> None:
    route, method = labels.endpoint(request, response.status_code), labels.method(request)
    span.update_name(f"{method} {route}")
    span.set_attributes(
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": response.status_code,
            "correlation.id": response.headers.get("X-Correlation-ID", str(correlation.current())),
        }
    )
    if response.status_code >= 500 or ended == "failed":
        span.set_status(trace.StatusCode.ERROR)
    span.end()
