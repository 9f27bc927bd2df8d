"""Replaces a 500 by a fallback answer, on the routes that produce answers."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from chat.api import error_fallback
from observability import unexpected_errors
from observability.routes import route_of

GetResponse = Callable[[HttpRequest], HttpResponseBase]
OWN_HEADERS = frozenset({"content-type", "content-length"})


class RescueMiddleware:
    """Middleware: a fallback answer in place of a 500 from an inner middleware or a view.

    Every 500 is counted; Django or the API has logged its cause.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code != 500:
            return response
        unexpected_errors.count("request")
        # The page has an error page of its own.
        if request.method == "POST" and route_of(request).answers not in {None, "page"}:
            with unexpected_errors.survived("fallback"):
                return _with_headers_of(response, error_fallback.answer(request))
        return response


def _with_headers_of(failed: HttpResponseBase, answer: HttpResponseBase) -> HttpResponseBase:
    """The answer with what the middlewares have set, such as CORS and cookies."""
    for name, value in failed.headers.items():
        if name.lower() not in OWN_HEADERS:
            answer.headers.setdefault(name, value)
    answer.cookies.update(failed.cookies)
    return answer
