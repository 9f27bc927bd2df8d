"""What is observed of every request. Each class has one job; this is their order, outermost first."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from observability import correlation, labels, metrics, streams
from observability.logs import get_logger
from observability.streams import Stream

log = get_logger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]

# Asked every few seconds by machines, or by a page that is left open.
QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/admin/chat/circuitbreaker/state/"})


class CorrelationMiddleware:
    """Every request has an id, the caller's own if acceptable, and every response says it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # The next request overwrites it. Taking it back here would leave the server's own lines without it.
        correlation_id = correlation.received(request.META)
        correlation.set(correlation_id)
        response = self.get_response(request)
        response.headers["X-Correlation-ID"] = str(correlation_id)
        return response


class MetricsMiddleware:
    """Counts and times requests, streams to their very end."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        metrics.HTTP_IN_FLIGHT.inc()
        try:
            response = self.get_response(request)
        except BaseException:  # the worker is being stopped: Django answers for everything else
            metrics.HTTP_IN_FLIGHT.dec()
            raise
        if streams.is_stream(response):
            metrics.STREAMS_ACTIVE.inc()
            streams.watch(response, lambda _: self.stream_ended(request, response, started))
        else:
            self.handled(request, response, started)
        return response

    def stream_ended(self, request: HttpRequest, response: HttpResponseBase, started: float) -> None:
        metrics.STREAMS_ACTIVE.dec()
        self.handled(request, response, started)

    def handled(self, request: HttpRequest, response: HttpResponseBase, started: float) -> None:
        metrics.HTTP_IN_FLIGHT.dec()
        endpoint, method = labels.of_metric(request, response.status_code)
        count, duration = metrics.of_request(endpoint, method, str(response.status_code))
        count.inc()
        duration.observe(perf_counter() - started)


class AccessLogMiddleware:
    """One line for every request handled; for a stream when it has ended, with how."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        response = self.get_response(request)
        if streams.is_stream(response):
            streams.watch(response, lambda stream: self.write(request, response, started, stream))
        else:
            self.write(request, response, started)
        return response

    def write(
        self, request: HttpRequest, response: HttpResponseBase, started: float, stream: Stream | None = None
    ) -> None:
        endpoint = labels.endpoint(request, response.status_code)
        say = log.debug if endpoint in QUIET else log.info
        say(
            "Request handled",
            **_caller(request),
            duration=_milliseconds(perf_counter() - started),
            endpoint=endpoint,
            method=labels.method(request),
            status=response.status_code,
            **(_transfer(stream, started) if stream else {}),
        )


def _caller(request: HttpRequest) -> dict[str, str]:
    """Who asked, under their pseudonym, when that is known."""
    user_id = getattr(getattr(request, "caller", None), "id", None)
    return {"user_id": str(user_id)} if user_id else {}


def _transfer(stream: Stream, started: float) -> dict[str, object]:
    first_byte = None if stream.first_byte_at is None else _milliseconds(stream.first_byte_at - started)
    return {
        "first_byte": first_byte,
        "bytes": stream.bytes,
        "chunks": stream.chunks,
        "events": stream.events,
        "ended": stream.ended,
    }


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
