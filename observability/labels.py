"""What a request is called in logs and metrics: a route, never a path; each name from a closed set."""

from __future__ import annotations

import contextlib
import functools
import re

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve

UNMATCHED = "unmatched"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# `<uuid:id>` of a path, `(?P<id>…)` of a regular expression.
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")


def method(request: HttpRequest) -> str:
    return request.method if request.method in _METHODS else "OTHER"


def of_metric(request: HttpRequest, status: int) -> tuple[str, str]:
    """Endpoint and method, in fewer words: each pair costs seventeen series.

    The admin is one endpoint, and what a route refuses is one method.
    """
    where = endpoint(request, status)
    is_known = status < 400 or request.method in {"GET", "POST", "DELETE"}
    return (
        "/admin/{page}" if where.startswith("/admin/") else where,
        method(request) if is_known and status != 405 else "OTHER",
    )


def endpoint(request: HttpRequest, status: int) -> str:
    """The route as a template, `/api/chat/{conversationId}/stream`, of a request that was answered with `status`."""
    if request.resolver_match is None and status != 404:
        _match_late(request)
    if request.resolver_match is not None:
        return _template(request.resolver_match.route)
    return "/static/{path}" if request.path_info.startswith(settings.STATIC_URL or "/static/") else UNMATCHED


def _match_late(request: HttpRequest) -> None:
    """A middleware answered before Django looked for the view: too many requests, a preflight, a redirect."""
    with contextlib.suppress(Resolver404):
        request.resolver_match = resolve(request.path_info)


@functools.cache
def _template(route: str) -> str:
    return "/" + _PARAMETER.sub(_placeholder, route.strip("^$"))


def _placeholder(found: re.Match[str]) -> str:
    """`{conversationId}`: the client contract's spelling of `conversation_id`."""
    first, *others = (found[1] or found[2]).split("_")
    return f"{{{first}{''.join(word.capitalize() for word in others)}}}"
