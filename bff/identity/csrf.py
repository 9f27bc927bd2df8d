"""CSRF protection of API routes, which skip Django's middleware for pages."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.middleware.csrf import CsrfViewMiddleware

from bff.http.problems import TOO_LARGE, problem, unreadable_body
from observability.authorization import credentials_of
from observability.caller import Caller, caller_of
from observability.routes import Route, route_of

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class APICSRFMiddleware:
    """Responds 403 to a request that another site may have sent with the visitor's cookie.

    Looking for the token reads the body, so it runs after the rate limits. An incomplete body is 408, a large one 413,
    one for which there is no memory 503.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self._django = CsrfViewMiddleware(lambda request: HttpResponse())

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        route = route_of(request)
        if request.method not in UNSAFE or route.kind != "api" or not route.needs_caller:
            return self.get_response(request)
        try:
            is_allowed = self._is_allowed(request, caller_of(request), route)
        except RequestDataTooBig:
            return problem(request, 413, TOO_LARGE)
        except UnreadablePostError as error:
            return unreadable_body(request, error)
        if not is_allowed:
            return problem(request, 403, "The CSRF token is missing or wrong, or the origin is not allowed.")
        return self.get_response(request)

    def _is_allowed(self, request: HttpRequest, caller: Caller, route: Route) -> bool:
        """Raises RequestDataTooBig or UnreadablePostError.

        - A known visitor: Django's own check, as the request is identified by a cookie alone.
        - A new visitor has no CSRF token yet: only the Origin header is checked. Another site's form is sent without
          our Lax cookie, and must not replace it by a new one.
        - A signed-in person on a route that ends a visitor: only the Origin header is checked. The request carries a
          bearer token, which no form can send, beside the visitor's cookie. The same holds for a visitor on an
          open /v1 whose client sends a placeholder key and cookies.
        """
        has_bearer = credentials_of(request)[0] == "bearer"
        if caller.is_new or (has_bearer and (route.ends_visitor or caller.kind == "visitor")):
            return "Origin" not in request.headers or self._django._origin_verified(request)  # type: ignore[attr-defined]
        if caller.kind != "visitor":
            return True
        _ = request.POST  # raises UnreadablePostError, which Django's check takes for a missing token
        self._django.process_request(request)
        return self._django.process_view(request, HttpResponse, (), {}) is None
