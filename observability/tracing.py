"""Traces, for those who collect them (OpenTelemetry over OTLP); otherwise nothing at all.

On where OpenTelemetry's own variables say where to: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT or
OTEL_TRACES_EXPORTER, unless OTEL_SDK_DISABLED; the packages come with the extra `otel`. All other OTEL_* variables are
the SDK's. Off, no package is imported, no thread started, and each call here returns at once – but the trace that a
caller began goes on to the AI service all the same (correlation.py).

No prompt, answer or parameter is in a span: names, codes, counts and times.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from observability import correlation
from observability.logs import get_logger

log = get_logger(__name__)

Attributes = dict[str, str | int | float | bool]
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class Span:
    """One piece of work in a trace, from its beginning to `end`. This one stands for a trace that nobody collects."""

    def traceparent(self) -> str:
        """What a call made for this work says of where it belongs (W3C Trace Context)."""
        return correlation.traceparent()

    def note(self, attributes: Attributes) -> None:
        """Add what is known by now."""

    def end(self, error: str = "") -> None:
        """It is over; `error` is a code, from a closed set and without any content."""


class Backend(Protocol):
    """What observability.spans is for, where there is tracing."""

    def begin(self, name: str, attributes: Attributes) -> Span: ...

    def serve(self, request: HttpRequest, get_response: GetResponse) -> HttpResponseBase: ...


_NO_SPAN = Span()
_backend: Backend | None = None


def start() -> None:
    """Begin to trace this process, if that is wanted and possible. After the fork, before the first request."""
    global _backend  # noqa: PLW0603 - a process traces or doesn't
    if _backend is not None or not is_wanted():
        return
    try:
        from observability import spans  # noqa: PLC0415 - needs packages that are there only where traces are wanted
    except ImportError:
        log.warning("Tracing is off: install chat-bff[otel]", code="packages_missing")
        return
    _backend = spans.OpenTelemetry()


def is_wanted() -> bool:
    exporter = os.environ.get("OTEL_TRACES_EXPORTER", "")
    if exporter == "none" or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    addresses = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return bool(exporter) or any(os.environ.get(name) for name in addresses)


def begin(describe: Callable[[], tuple[str, Attributes]]) -> Span:
    """A call of ours to somebody else, within what is being done now. Only where that is traced is it asked what to
    call it and what to say of it."""
    return _NO_SPAN if _backend is None else _backend.begin(*describe())


class TracingMiddleware:
    """A span for every request, streams to their very end; not there at all where nothing is traced."""

    def __init__(self, get_response: GetResponse) -> None:
        if _backend is None:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        assert _backend is not None
        return _backend.serve(request, self.get_response)
