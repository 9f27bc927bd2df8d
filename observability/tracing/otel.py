"""The OpenTelemetry backend. Imported only when tracing is on: its packages are an optional extra."""

from __future__ import annotations

import os
from collections.abc import Sequence

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from observability import correlation, response_stream, route_labels
from observability.tracing.interface import Attributes, GetResponse, Span

_w3c = TraceContextTextMapPropagator()


class OpenTelemetrySpan(Span):
    """A span that is exported."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def traceparent(self) -> str:
        carrier: dict[str, str] = {}
        _w3c.inject(carrier, trace.set_span_in_context(self._span))
        return carrier["traceparent"]

    def set_attributes(self, attributes: Attributes) -> None:
        self._span.set_attributes(attributes)

    def end(self, error: str = "") -> None:
        if error:
            self._span.set_attribute("error.type", error)
            self._span.set_status(trace.StatusCode.ERROR)
        self._span.end()


class ExporterWithoutMessages(SpanExporter):
    """Exports spans with the type of an error in place of its message: PostgreSQL's quotes values and whole rows."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([_without_messages(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class OpenTelemetryBackend:
    """Exports our own spans and those of the Redis and PostgreSQL clients, in batches."""

    def __init__(self) -> None:
        _name_service()
        processor = BatchSpanProcessor(ExporterWithoutMessages(_exporter()))
        own_provider = TracerProvider()
        own_provider.add_span_processor(processor)
        self._tracer = own_provider.get_tracer("chat-bff")
        # Background threads (leases, mirrors, probes) call Redis constantly. Only calls within a request get a span.
        library_provider = TracerProvider(sampler=ParentBased(ALWAYS_OFF), shutdown_on_exit=False)
        library_provider.add_span_processor(processor)
        os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "database,http")
        RedisInstrumentor().instrument(tracer_provider=library_provider)
        PsycopgInstrumentor().instrument(tracer_provider=library_provider)

    def start_span(self, name: str, attributes: Attributes) -> Span:
        attributes = {"correlation.id": str(correlation.current()), **attributes}
        span = self._tracer.start_span(name, kind=trace.SpanKind.CLIENT, attributes=attributes)
        return OpenTelemetrySpan(span)

    def trace_request(self, request: HttpRequest, get_response: GetResponse) -> HttpResponseBase:
        span = self._tracer.start_span(route_labels.method(request), _parent(request), trace.SpanKind.SERVER)
        _set_log_trace(span)
        with trace.use_span(span, end_on_exit=False):
            response = get_response(request)
        if response_stream.is_stream(response):
            response_stream.on_end(response, lambda stream: _end(span, request, response, stream.outcome or ""))
        else:
            _end(span, request, response, "complete")
        return response


def _name_service() -> None:
    if "service.name=" not in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        os.environ.setdefault("OTEL_SERVICE_NAME", "chat-bff")


def _exporter() -> SpanExporter:
    """OTLP over HTTP, which needs no compiled packages; `console` is for development."""
    return ConsoleSpanExporter() if os.environ.get("OTEL_TRACES_EXPORTER") == "console" else OTLPSpanExporter()


def _without_messages(span: ReadableSpan) -> ReadableSpan:
    """The span without its events, which quote messages of exceptions, and without the description of its status."""
    attributes = dict(span.attributes or {})
    for event in span.events:
        if kind := (event.attributes or {}).get("exception.type"):
            attributes.setdefault("error.type", kind)
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        links=span.links,
        kind=span.kind,
        status=trace.Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _parent(request: HttpRequest) -> Context:
    return _w3c.extract({name.lower(): value for name, value in request.headers.items()})


def _set_log_trace(span: trace.Span) -> None:
    """Attach the trace to the correlation id, so that the request's log lines have its `traceId`."""
    correlation_id, context = correlation.current(), span.get_span_context()
    if isinstance(correlation_id, correlation.CorrelationId):
        correlation_id.trace = trace.format_trace_id(context.trace_id)
        correlation_id.flags = f"{context.trace_flags:02x}"
        correlation_id.is_exported = True


def _end(span: trace.Span, request: HttpRequest, response: HttpResponseBase, outcome: str) -> None:
    route, method = route_labels.endpoint(request, response.status_code), route_labels.method(request)
    span.update_name(f"{method} {route}")
    span.set_attributes(
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": response.status_code,
            "correlation.id": response.headers.get("X-Correlation-ID", str(correlation.current())),
        }
    )
    if response.status_code >= 500 or outcome == "failed":
        span.set_status(trace.StatusCode.ERROR)
    span.end()
