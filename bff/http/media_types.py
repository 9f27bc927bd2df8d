"""The media types of request bodies that API routes accept."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from bff.http.problems import problem
from observability.routes import Route, route_of


class MediaTypeMiddleware:
    """415 for a body that is neither JSON nor, on routes that take files, multipart/form-data.

    Runs before anything reads the body: a body parsed as a form can't be read again as JSON.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        route = route_of(request)
        if route.kind == "api" and _has_body(request) and not _is_accepted(request.content_type or "", route):
            return problem(request, 415, "The body must be JSON, with Content-Type: application/json.")
        return self.get_response(request)


def _has_body(request: HttpRequest) -> bool:
    return request.META.get("CONTENT_LENGTH") not in (None, "", "0") or "Transfer-Encoding" in request.headers


def _is_accepted(media_type: str, route: Route) -> bool:
    if route.takes_files and media_type == "multipart/form-data":
        return True
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))
