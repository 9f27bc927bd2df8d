"""A small site with all kinds of routes and responses, to test the middlewares with."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import include, path, re_path

from observability import correlation
from observability.logs import get_logger

MIDDLEWARE = [
    "observability.middleware.CorrelationMiddleware",
    "observability.middleware.MetricsMiddleware",
    "observability.middleware.AccessLogMiddleware",
    "tests.observability.site.gatekeeper",
]

log = get_logger("chat.site")


def gatekeeper(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Stands in for the middlewares that set the caller or answer instead of the view."""

    def gate(request: HttpRequest) -> HttpResponse:
        if user := request.headers.get("X-User"):
            request.__dict__["caller"] = SimpleNamespace(id=user)
        return HttpResponse(status=429) if "X-Too-Many" in request.headers else get_response(request)

    return gate


def hello(request: HttpRequest, **_: object) -> HttpResponse:
    log.info("Hello sent", count=1)
    return HttpResponse("hello")


def broken(request: HttpRequest) -> HttpResponse:
    secret = "the prompt of a parent"
    raise ValueError(f"cannot read '{secret}'")


def echo_host(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.get_host())


def unavailable(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=503)


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(_chunks(fail="fail" in request.GET))


def _chunks(*, fail: bool) -> Iterator[bytes]:
    yield correlation.current().encode()
    log.info("Second chunk sent")
    yield b"\n"
    if fail:
        raise RuntimeError("cut")
    yield b"end"


def endless(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(_endless_chunks())


def _endless_chunks() -> Iterator[bytes]:
    yield f"{os.getpid()}\n".encode()
    while True:
        time.sleep(0.05)
        yield b".\n"


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).open("rb"))


urlpatterns = [
    path("hello", hello),
    path("api/chat/<uuid:conversation_id>/stream", hello),
    re_path(r"^old/(?P<page>\d+)/$", hello),
    path("broken", broken),
    path("unavailable", unavailable),
    path("host", echo_host),
    path("streamed", streamed),
    path("endless", endless),
    path("file", file),
    path("", include("observability.urls")),
    path("", include("health.urls")),
]


def application() -> Callable[..., object]:
    """The site as a WSGI application, for a real server."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bff.settings"
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = MIDDLEWARE
    settings.TEMPLATES = []
    return get_wsgi_application()
