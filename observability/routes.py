"""Route traits: properties of a route that middlewares need, declared on its view.

    @routes.traits(answers="message")
    @router.post("/message")
    def send_message(request): ...

All methods of one path share its traits. A view without traits is a page.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve

View = TypeVar("View", bound=Callable[..., Any])

# Bounds the memory that requests for random paths can take: 4 MB, as gunicorn accepts at most 4 KB for a path.
CACHED_PATHS = 1024


@dataclass(frozen=True, slots=True)
class Route:
    kind: Literal["page", "api", "operations"] = "page"
    # The shape of error responses.
    error_format: Literal["html", "problem", "openai"] = "html"
    # The caller is identified and their requests are counted.
    needs_caller: bool = False
    # A POST produces an answer, in this form, and so costs money: it counts against RATE_LIMIT_CHAT.
    answers: Literal["page", "message", "stream", "completion", "analysis"] | None = None
    # A request begins no answer but reads one while it is written: it counts against PARALLEL_ANSWERS_*.
    follows_answer: bool = False
    # The body may be multipart/form-data.
    takes_files: bool = False
    # On success, the visitor's data has been deleted or assigned to a signed-in person: the cookie is deleted.
    ends_visitor: bool = False
    # Requested every few seconds by machines or open pages: logged at level debug.
    is_quiet: bool = False


API_TRAITS: dict[str, Any] = {"kind": "api", "needs_caller": True}
# Requests below these prefixes that match no route.
UNMATCHED = {
    "/api/": Route(error_format="problem", **API_TRAITS),
    "/v1/": Route(error_format="openai", **API_TRAITS),
}


def traits(**fields: Any) -> Callable[[View], View]:
    """Declare fields of `Route` for a view. Decorators that use functools.wraps keep them."""
    Route(**fields)  # raises TypeError for an unknown field

    def declare(view: View) -> View:
        view.route_traits = declared(view) | fields  # type: ignore[attr-defined]  # as Django sets csrf_exempt
        return view

    return declare


def declared(view: Callable[..., Any]) -> dict[str, Any]:
    """The fields declared on a view."""
    return getattr(view, "route_traits", {})


def route_of(request: HttpRequest) -> Route:
    """The traits of the requested route, also before Django has resolved it."""
    return _route(request.path_info, settings.ROOT_URLCONF)


def admits_visitors(error_format: str) -> bool:
    """Whether routes with this format of errors are open without credentials."""
    return bool(settings.ALLOW_ANONYMOUS and (error_format != "openai" or settings.OPENAI_ALLOW_ANONYMOUS))


# Resolving takes 30 µs, and each middleware needs the route.
@functools.lru_cache(maxsize=CACHED_PATHS)
def _route(path: str, urlconf: str) -> Route:
    try:
        match = resolve(path, urlconf)
    except Resolver404:
        return next((route for prefix, route in UNMATCHED.items() if path.startswith(prefix)), Route())
    return Route(**declared(match.func))
