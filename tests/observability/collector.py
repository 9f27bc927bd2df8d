"""A test OTLP collector: receives traces over HTTP and stores every span."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class CollectedSpan:
    """A received span; ids are hexadecimal."""

    def __init__(self, span: Span, service: str) -> None:
        self.service, self.name, self.kind = service, span.name, Span.SpanKind.Name(span.kind)
        self.trace, self.id, self.parent = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
        self.attributes = {each.key: _value(each.value) for each in span.attributes}
        self.started_at, self.ended_at = span.start_time_unix_nano, span.end_time_unix_nano
        self.has_failed = span.status.code == span.status.STATUS_CODE_ERROR

    def __repr__(self) -> str:
        return f"<{self.name} {self.id} in {self.parent or 'nothing'}>"


class Collector:
    def __init__(self) -> None:
        self.spans: list[CollectedSpan] = []
        self.received = b""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.received += body
                collector.store(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def store(self, export: ExportTraceServiceRequest) -> None:
        for resource in export.resource_spans:
            service = {each.key: each.value.string_value for each in resource.resource.attributes}["service.name"]
            for scope in resource.scope_spans:
                self.spans += [CollectedSpan(span, service) for span in scope.spans]

    def spans_of(self, trace: str) -> list[CollectedSpan]:
        return [span for span in self.spans if span.trace == trace]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _value(value: Any) -> Any:
    return getattr(value, value.WhichOneof("value"))
