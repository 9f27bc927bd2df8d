"""Middlewares that observe every request, in the order of settings.MIDDLEWARE, outermost first."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from observability import correlation, metrics, response_stream, route_labels, unexpected_errors
from observability.logs import get_logger
from observability.response_stream import ResponseStream
from observability.routes import route_of

log = get_logger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class CorrelationMiddleware:
    """Sets the correlation id of the request, the caller's own if it is valid, and returns it in `X-Correlation-ID`."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # Not reset afterwards, so that gunicorn's own log lines have it; the next request overwrites it.
        correlation_id = correlation.from_environ(request.META)
        correlation.set(correlation_id)
        response = self.get_response(request)
        response.headers["X-Correlation-ID"] = str(correlation_id)
        return response


class MetricsMiddleware:
    """Counts and times requests; a stream is counted when it ends."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        metrics.HTTP_IN_FLIGHT.inc()
        try:
            response = self.get_response(request)
        except BaseException:  # only when the worker is being stopped: Django turns other exceptions into responses
            metrics.HTTP_IN_FLIGHT.dec()
            raise
        if response_stream.is_stream(response):
            metrics.STREAMS_ACTIVE.inc()
            response_stream.on_end(response, lambda _: self.record_stream(request, response, started))
        else:
            self.record(request, response, started)
        return response

    def record_stream(self, request: HttpRequest, response: HttpResponseBase, started: float) -> None:
        metrics.STREAMS_ACTIVE.dec()
        self.record(request, response, started)

    def record(self, request: HttpRequest, response: HttpResponseBase, started: float) -> None:
        with unexpected_errors.survived("metrics"):
            self._record(request, response, started)

    def _record(self, request: HttpRequest, response: HttpResponseBase, started: float) -> None:
        metrics.HTTP_IN_FLIGHT.dec()
        endpoint, method = route_labels.for_metrics(request, response.status_code)
        count, duration = metrics.for_request(endpoint, method, str(response.status_code))
        count.inc()
        duration.observe(perf_counter() - started)


class AccessLogMiddleware:
    """Logs one line for every request; for a stream when it has ended, with its outcome."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = perf_counter()
        response = self.get_response(request)
        if response_stream.is_stream(response):
            response_stream.on_end(response, lambda stream: self.log_request(request, response, started, stream))
        else:
            self.log_request(request, response, started)
        return response

    def log_request(
        self, request: HttpRequest, response: HttpResponseBase, started: float, stream: ResponseStream | None = None
    ) -> None:
        with unexpected_errors.survived("metrics"):
            self._log_request(request, response, started, stream)

    def _log_request(
        self, request: HttpRequest, response: HttpResponseBase, started: float, stream: ResponseStream | None
    ) -> None:
        endpoint = route_labels.endpoint(request, response.status_code)
        emit = log.debug if route_of(request).is_quiet else log.info
        emit(
            "Request handled",
            **_user_id(request),
            duration=_milliseconds(perf_counter() - started),
            endpoint=endpoint,
            method=route_labels.method(request),
            status=response.status_code,
            **(_stream_fields(stream, started) if stream else {}),
        )


def _user_id(request: HttpRequest) -> dict[str, str]:
    """The caller's pseudonymous id, if the caller is known."""
    user_id = getattr(getattr(request, "caller", None), "id", None)
    return {"user_id": str(user_id)} if user_id else {}


def _stream_fields(stream: ResponseStream, started: float) -> dict[str, object]:
    first_byte = None if stream.first_byte_at is None else _milliseconds(stream.first_byte_at - started)
    return {
        "first_byte": first_byte,
        "bytes": stream.bytes,
        "chunks": stream.chunks,
        "events": stream.events,
        "ended": stream.outcome,
    }


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
