"""Spans and the backend that creates them. This Span does nothing; it is used when tracing is off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from observability import correlation

Attributes = dict[str, str | int | float | bool]
GetResponse = Callable[[HttpRequest], HttpResponseBase]


class Span:
    """One operation in a trace, until `end`."""

    def traceparent(self) -> str:
        """The W3C `traceparent` header for calls made within this span."""
        return correlation.traceparent()

    def set_attributes(self, attributes: Attributes) -> None:
        """Add or replace attributes."""

    def end(self, error: str = "") -> None:
        """End the span. `error` is a code from a closed set, without user data; empty on success."""


class Backend(Protocol):
    """Creates spans when tracing is on (observability.tracing.otel)."""

    def start_span(self, name: str, attributes: Attributes) -> Span: ...

    def trace_request(self, request: HttpRequest, get_response: GetResponse) -> HttpResponseBase: ...
