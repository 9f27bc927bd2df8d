"""The endpoint and method of a request as logs and metrics name them: a route, never a path. Both are closed sets."""

from __future__ import annotations

import contextlib
import functools
import re

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve

UNMATCHED = "unmatched"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# `<uuid:id>` of a path(), `(?P<id>…)` of a re_path().
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")


def method(request: HttpRequest) -> str:
    return request.method if request.method in _METHODS else "OTHER"


def for_metrics(request: HttpRequest, status: int) -> tuple[str, str]:
    """Endpoint and method, with fewer distinct values than in logs: each pair costs seventeen series.

    All admin pages are one endpoint. Methods that a route does not accept are `OTHER`.
    """
    route = endpoint(request, status)
    is_accepted = status < 400 or request.method in {"GET", "POST", "DELETE"}
    return (
        "/admin/{page}" if route.startswith("/admin/") else route,
        method(request) if is_accepted and status != 405 else "OTHER",
    )


def endpoint(request: HttpRequest, status: int) -> str:
    """The route template, such as `/api/chat/{conversationId}/stream`, of a request answered with `status`."""
    if request.resolver_match is None and status != 404:
        _resolve(request)
    if request.resolver_match is not None:
        return _template(request.resolver_match.route)
    return "/static/{path}" if request.path_info.startswith(settings.STATIC_URL or "/static/") else UNMATCHED


def _resolve(request: HttpRequest) -> None:
    """Resolve the route of a request that a middleware answered: rate limit, CORS preflight, redirect."""
    with contextlib.suppress(Resolver404):
        request.resolver_match = resolve(request.path_info)


@functools.cache
def _template(route: str) -> str:
    return "/" + _PARAMETER.sub(_placeholder, route.strip("^$"))


def _placeholder(match: re.Match[str]) -> str:
    """`{conversationId}` for `conversation_id`: camelCase as in the client contract."""
    first, *others = (match[1] or match[2]).split("_")
    return f"{{{first}{''.join(word.capitalize() for word in others)}}}"
