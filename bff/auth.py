"""Who is calling: a signed-in person (Supabase JWT), else, where that is allowed, a visitor known by a signed cookie.

A `userId` in a body is never believed. The caller's id goes into logs and rows: it is the token's `sub`, or a random
visitor number, never a name or an address.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import jwt
from django.conf import settings
from django.core import signing
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

from bff.pages import is_api, is_chat
from bff.problems import TOO_LARGE, problem
from bff.token_keys import KeysUnavailable, PublishedKeys
from bff.tokens import TokenVerifier

VISITOR_COOKIE = "visitor"
VISITOR_COOKIE_AGE = 365 * 24 * 3600
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Caller:
    id: str
    kind: Literal["user", "visitor"]


class Unauthenticated(Exception):
    """No credentials that we accept; the message is safe to show."""


_verifier = TokenVerifier()
_csrf = CsrfViewMiddleware(lambda request: HttpResponse())


class CallerMiddleware:
    """Sets `request.caller`, or answers 401 (nobody we know), 403 (a forged form) or 503 (we can't tell)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_chat(request):
            return self.get_response(request)
        try:
            caller, is_new = self._identify(request)
            forged = caller.kind == "visitor" and _is_forged(request, is_new=is_new)
        except Unauthenticated as error:
            return problem(request, 401, str(error), headers={"WWW-Authenticate": "Bearer"})
        except KeysUnavailable:
            pause = str(PublishedKeys.PAUSE_SECONDS)
            return problem(request, 503, "Sign-in can't be checked just now.", headers={"Retry-After": pause})
        except RequestDataTooBig:  # the CSRF token might have been a field of a form
            return problem(request, 413, TOO_LARGE)
        if forged:
            return problem(request, 403, "The CSRF token is missing or wrong, or the origin is not allowed.")
        request.caller = caller  # type: ignore[attr-defined]
        response = self.get_response(request)
        if is_new and response.status_code != 403:  # a form forged on another site must not replace the cookie it lacks
            _remember(response, caller)
        return response

    def _identify(self, request: HttpRequest) -> tuple[Caller, bool]:
        """The caller, and whether they are a visitor we never saw."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            if scheme.lower() != "bearer":
                raise Unauthenticated("Only bearer tokens are accepted.")
            return Caller(_subject(token.strip()), "user"), False
        if not settings.ALLOW_ANONYMOUS:
            raise Unauthenticated("Please sign in.")
        known = _visitor(request)
        return Caller(known or f"visitor-{uuid.uuid4()}", "visitor"), known is None


def _subject(token: str) -> str:
    try:
        return _verifier.subject(token)
    except (jwt.PyJWTError, RecursionError) as error:  # a header may be nested deeper than can be read
        raise Unauthenticated("The access token is not valid.") from error


def _visitor(request: HttpRequest) -> str | None:
    try:
        return str(signing.loads(request.COOKIES[VISITOR_COOKIE], salt=VISITOR_COOKIE, max_age=VISITOR_COOKIE_AGE))
    except (KeyError, signing.BadSignature):
        return None


def _remember(response: HttpResponseBase, caller: Caller) -> None:
    response.set_cookie(
        VISITOR_COOKIE,
        signing.dumps(caller.id, salt=VISITOR_COOKIE),
        max_age=VISITOR_COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _is_forged(request: HttpRequest, *, is_new: bool) -> bool:
    """Django's own check, called here because API paths skip its middleware; only a cookie can be misused this way.

    Who has no cookie has no token either, but a browser says where its request comes from: another site's form comes
    without our cookie (it is Lax) and would be given a new one in place of it.
    """
    if request.method not in UNSAFE or not is_api(request):
        return False
    if is_new:
        return "Origin" in request.headers and not _csrf._origin_verified(request)  # type: ignore[attr-defined]
    _csrf.process_request(request)
    return _csrf.process_view(request, HttpResponse, (), {}) is not None
