"""Which addresses are pages and which are for programs, and Django's layers for pages.

API and operations paths carry no session, no messages, no CSRF form: each layer they skip is time that a person does
not wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware import gzip
from django.utils.module_loading import import_string

GetResponse = Callable[[HttpRequest], HttpResponseBase]

API_PATHS = ("/api/chat/", "/api/me", "/v1/")
OPERATIONS_PATHS = ("/healthz", "/readyz", "/metrics")
MACHINE_PATHS = (*API_PATHS, *OPERATIONS_PATHS)


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith(API_PATHS)


def is_for_machines(request: HttpRequest) -> bool:
    return request.path.startswith(MACHINE_PATHS)


def speaks_json(request: HttpRequest) -> bool:
    """Whether a program called: anything below /api/ and /v1/, whether it is there or not, but the page /api/docs."""
    return request.path.startswith(("/api/", "/v1/")) and not request.path.startswith("/api/docs")


def is_chat(request: HttpRequest) -> bool:
    """Whether somebody chats here, by program or by page: these want to know who is calling."""
    return request.path == "/" or is_api(request)


class GZipMiddleware(gzip.GZipMiddleware):
    """A page shrinks to a third. Its CSRF token is masked anew each time, so that its length tells nothing."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """What a program reads may still get another shape further out, and must be legible there."""
        return response if speaks_json(request) else super().process_response(request, response)


class ForkMiddleware:
    """Leads pages through Django's layers for them (PAGE_MIDDLEWARE), and programs past all of them at once."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = self.through_layers = get_response
        self.view_checks: list[Callable[..., HttpResponseBase | None]] = []
        for name in reversed(settings.PAGE_MIDDLEWARE):
            layer = import_string(name)(self.through_layers)
            # As Django wraps those that it knows of.
            self.through_layers = cast("GetResponse", convert_exception_to_response(layer))
            if hasattr(layer, "process_view"):
                self.view_checks.insert(0, layer.process_view)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_for_machines(request):
            return self.through_layers(request)
        response = self.get_response(request)
        if isinstance(response, HttpResponse) and "Content-Length" not in response.headers:
            # CommonMiddleware does the same for pages. Without it a reply goes out in chunks, by a write more.
            response.headers["Content-Length"] = str(len(response.content))
        return response

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponseBase | None:
        """APIs check what comes from a cookie where identity does: see bff.auth."""
        if is_for_machines(request):
            return None
        answers = (check(request, *view) for check in self.view_checks)
        return next((answer for answer in answers if answer is not None), None)
