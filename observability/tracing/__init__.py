"""OpenTelemetry traces over OTLP, if configured; otherwise every call here does nothing.

On if OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or OTEL_TRACES_EXPORTER is set and
OTEL_SDK_DISABLED is not; the packages are in requirements-otel.lock. The SDK reads all other OTEL_* variables.

When tracing is off, no OpenTelemetry package is imported and no thread started. The caller's trace is passed on to the
AI service all the same (correlation.py).

Spans contain names, codes, counts and times; no prompts, answers, query parameters or messages of errors.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from observability.logs import get_logger
from observability.tracing.interface import Attributes, Backend, GetResponse, Span

__all__ = ["Attributes", "Span", "TracingMiddleware", "start", "start_span"]

log = get_logger(__name__)

_NO_SPAN = Span()
_backend: Backend | None = None


def start() -> None:
    """Start tracing if it is configured and installed. Call before the middlewares are loaded.

    Processes that are forked afterwards export their own spans.
    """
    global _backend  # noqa: PLW0603 - one per process
    if _backend is not None or not is_enabled():
        return
    try:
        from observability.tracing import otel  # noqa: PLC0415 - its packages are an optional extra
    except ImportError:
        log.warning("Tracing is off: pip install --require-hashes -r requirements-otel.lock", code="packages_missing")
        return
    _backend = otel.OpenTelemetryBackend()


def is_started() -> bool:
    """Whether this process records spans."""
    return _backend is not None


def is_enabled() -> bool:
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "")
    if exporter == "none" or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return bool(exporter) or any(os.environ.get(name) for name in endpoints)


def start_span(describe: Callable[[], tuple[str, Attributes]]) -> Span:
    """Start the span of an outgoing call, as a child of the current span.

    `describe` returns its name and attributes; it is called only when tracing is on.
    """
    return _NO_SPAN if _backend is None else _backend.start_span(*describe())


class TracingMiddleware:
    """One span per request; a stream's span lasts until the stream ends. Not installed when tracing is off."""

    def __init__(self, get_response: GetResponse) -> None:
        if _backend is None:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        assert _backend is not None
        return _backend.trace_request(request, self.get_response)
