"""Who is calling: a signed-in person (Supabase JWT), else, where that is allowed, a visitor known by a signed cookie.

A `userId` in a body is never believed. The caller's id goes into logs and rows: it is the token's `sub`, or a random
visitor number, never a name or an address.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import jwt
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware

from bff.pages import is_api, is_chat
from bff.problems import problem

VISITOR_COOKIE = "visitor"
VISITOR_COOKIE_AGE = 365 * 24 * 3600
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Caller:
    id: str
    kind: Literal["user", "visitor"]


class Unauthenticated(Exception):
    """No credentials that we accept; the message is safe to show."""


class TokenVerifier:
    """Supabase access tokens: HS256 with the project's secret, or RS256/ES256 with the keys it publishes.

    The algorithm is chosen by our configuration, never by the token alone, so that a public key can't pass as a secret.
    """

    LEEWAY_SECONDS = 10

    @cached_property
    def keys(self) -> jwt.PyJWKClient:
        address = f"{settings.SUPABASE_URL}/auth/v1/.well-known/jwks.json"
        return jwt.PyJWKClient(address, cache_keys=True, lifespan=3600, timeout=2)

    def subject(self, token: str) -> str:
        """The `sub` of a valid token. Raises Unauthenticated."""
        try:
            key, algorithms = self._key_for(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=algorithms,
                audience="authenticated",
                issuer=f"{settings.SUPABASE_URL}/auth/v1" if settings.SUPABASE_URL else None,
                leeway=self.LEEWAY_SECONDS,
                options={"require": ["exp", "sub", "aud"]},
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated("The access token is not valid.") from error
        return str(claims["sub"])[:80]

    def _key_for(self, token: str) -> tuple[Any, list[str]]:
        algorithm = jwt.get_unverified_header(token).get("alg")
        if algorithm == "HS256" and settings.SUPABASE_JWT_SECRET:
            return settings.SUPABASE_JWT_SECRET, ["HS256"]
        if algorithm in {"RS256", "ES256"} and settings.SUPABASE_URL:
            return self.keys.get_signing_key_from_jwt(token).key, [algorithm]
        raise jwt.InvalidAlgorithmError("algorithm not accepted")


_verifier = TokenVerifier()
_csrf = CsrfViewMiddleware(lambda request: HttpResponse())


class CallerMiddleware:
    """Sets `request.caller`, or answers 401 (nobody we know) or 403 (a forged form)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_chat(request):
            return self.get_response(request)
        try:
            caller, is_new = self._identify(request)
        except Unauthenticated as error:
            return problem(request, 401, str(error), headers={"WWW-Authenticate": "Bearer"})
        if caller.kind == "visitor" and not is_new and not _came_from_our_page(request):
            return problem(request, 403, "The CSRF token is missing or wrong.")
        request.caller = caller  # type: ignore[attr-defined]
        response = self.get_response(request)
        if is_new:
            _remember(response, caller)
        return response

    def _identify(self, request: HttpRequest) -> tuple[Caller, bool]:
        """The caller, and whether they are a visitor we never saw."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            if scheme.lower() != "bearer":
                raise Unauthenticated("Only bearer tokens are accepted.")
            return Caller(_verifier.subject(token.strip()), "user"), False
        if not settings.ALLOW_ANONYMOUS:
            raise Unauthenticated("Please sign in.")
        known = _visitor(request)
        return Caller(known or f"visitor-{uuid.uuid4()}", "visitor"), known is None


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


def _came_from_our_page(request: HttpRequest) -> bool:
    """Django's own check, called here because API paths skip its middleware; only a cookie can be misused this way."""
    if request.method not in UNSAFE or not is_api(request):
        return True
    _csrf.process_request(request)
    return _csrf.process_view(request, HttpResponse, (), {}) is None
