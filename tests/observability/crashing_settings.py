"""Settings of an instance that crashes on request, with the request's content in the exception or log message."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterator

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from bff.settings import *  # noqa: F403
from bff.settings import MIDDLEWARE

MIDDLEWARE = [*MIDDLEWARE, "tests.observability.crashing_settings.CrashMiddleware"]


class CrashMiddleware:
    """The header `X-Crash: view|stream|thread|warning|library` selects where to crash."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        where = request.headers.get("X-Crash")
        if where is None:
            return self.get_response(request)
        secret = f"{request.body!r} {request.headers}"
        if where == "view":
            raise ValueError(secret)
        if where == "thread":
            threading.Thread(target=_fail, args=(secret,)).start()
        if where == "warning":
            warnings.warn(secret, stacklevel=2)
        if where == "library":
            logging.getLogger("some.library").error("Could not read %r (%d)", secret, 7)
        if where == "stream":
            return StreamingHttpResponse(_failing_stream(secret))
        return self.get_response(request)


def _failing_stream(secret: str) -> Iterator[bytes]:
    yield b"data: one\n\n"
    _fail(secret)


def _fail(secret: str) -> None:
    local = secret  # a traceback with local variables would contain it
    raise KeyError(local)
