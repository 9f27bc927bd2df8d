"""What kinds of body the API reads."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from bff.pages import is_api
from bff.problems import problem

TAKES_FILES = "/api/chat/analyze-document"


class MediaTypeMiddleware:
    """415 for a body that is neither JSON nor, where files are taken, a form with a file.

    It stands before everything that reads a body: a form that was read as such can't be read again as JSON.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_api(request) and _has_body(request) and not _is_readable(request):
            return problem(request, 415, "The body must be JSON, and Content-Type: application/json say so.")
        return self.get_response(request)


def _has_body(request: HttpRequest) -> bool:
    return request.META.get("CONTENT_LENGTH") not in (None, "", "0") or "Transfer-Encoding" in request.headers


def _is_readable(request: HttpRequest) -> bool:
    kind = request.content_type or ""
    if request.path == TAKES_FILES and kind == "multipart/form-data":
        return True
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
