"""Who is calling: a signed-in person (Supabase JWT), a program (API key), else, where that is allowed, a visitor.

A visitor is known by a signed cookie. A `userId` in a body is never believed. The caller's id goes into logs and rows:
it is the token's `sub`, a key's number or a random visitor number, never a name or an address.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal

import jwt
from django.conf import settings
from django.core import signing
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.module_loading import import_string
from limits import parse

from bff.pages import is_api, is_chat
from bff.problems import TOO_LARGE, problem
from bff.ratelimit import Allowance, Counters, client_address
from bff.token_keys import KeysUnavailable, PublishedKeys
from bff.tokens import TokenVerifier

VISITOR_COOKIE = "visitor"
VISITOR_COOKIE_AGE = 365 * 24 * 3600
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
API_KEY_PREFIX = "bff_"
CLAIM = "/api/chat/claim"
# After these the visitor is no more: what there was of them is somebody's, or deleted.
ENDS_VISITOR = frozenset({("POST", CLAIM), ("DELETE", "/api/me")})


@dataclass(frozen=True, slots=True)
class Caller:
    """`visitor` is who the cookie says that they were before they signed in, if it came along."""

    id: str
    kind: Literal["user", "key", "visitor"]
    visitor: str | None = None


class Unauthenticated(Exception):
    """No credentials that we accept; the message is safe to show."""


class Forged(Exception):
    """Another site has this sent in the visitor's name."""


class TooManyKeys(Exception):
    """This address has shown more keys that we had to look up than one may."""

    def __init__(self, allowance: Allowance) -> None:
        super().__init__(allowance.policy)
        self.allowance = allowance


REFUSALS = (Unauthenticated, Forged, TooManyKeys, KeysUnavailable, OperationalError, RequestDataTooBig)


_verifier = TokenVerifier()
_csrf = CsrfViewMiddleware(lambda request: HttpResponse())


class CallerMiddleware:
    """Sets `request.caller`, or answers 401 (nobody we know), 403 (forged), 429 (guesses) or 503 (we can't tell)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.strange_keys = parse(settings.RATE_LIMIT_DEFAULT)
        self.counters = Counters()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_chat(request):
            return self.get_response(request)
        try:
            caller, is_new = self._identify(request)
            _refuse_forged(request, caller, is_new=is_new)
        except REFUSALS as error:
            return _refusal(request, error)
        request.caller = caller  # type: ignore[attr-defined]
        response = self.get_response(request)
        if (request.method, request.path) in ENDS_VISITOR and response.status_code == 200:
            response.delete_cookie(VISITOR_COOKIE, samesite="Lax")
        elif is_new and response.status_code != 403:  # a form forged elsewhere must not replace the cookie it lacks
            _remember(response, caller)
        if is_api(request):  # what one caller is told is for no cache, a shared phone's browser included
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    def _identify(self, request: HttpRequest) -> tuple[Caller, bool]:
        """The caller, and whether they are a visitor we never saw."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            if scheme.lower() != "bearer":
                raise Unauthenticated("Only bearer tokens are accepted.")
            if token.startswith(API_KEY_PREFIX):
                return Caller(_key_holder(token.strip(), partial(self._count_key, request)), "key"), False
            return Caller(_subject(token.strip()), "user", _visitor(request)), False
        if not settings.ALLOW_ANONYMOUS:
            raise Unauthenticated("Please sign in.")
        known = _visitor(request)
        return Caller(known or f"visitor-{uuid.uuid4()}", "visitor"), known is None

    def _count_key(self, request: HttpRequest) -> None:
        """Anybody can make up a key, and each costs a look into the database. Raises TooManyKeys."""
        allowance = self.counters.spend("keys", self.strange_keys, client_address(request))
        if allowance.remaining < 0:
            raise TooManyKeys(allowance)


@cache
def _api_key_caller() -> Callable[[str, Callable[[], None]], str | None]:
    """Named, not imported: this room knows the apps by name alone."""
    caller_of: Callable[[str, Callable[[], None]], str | None] = import_string("chat.api_keys.caller_of")
    return caller_of


def _key_holder(key: str, before_reading: Callable[[], None]) -> str:
    """Raises Unauthenticated, or OperationalError when the database is away."""
    if (caller_id := _api_key_caller()(key, before_reading)) is None:
        raise Unauthenticated("The API key is not valid.")
    return caller_id


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


def _refuse_forged(request: HttpRequest, caller: Caller, *, is_new: bool) -> None:
    """Django's own check, called here because API paths skip its middleware; only a cookie can be misused this way.

    Who has no cookie has no token either, but a browser says where its request comes from: another site's form comes
    without our cookie (it is Lax) and would be given a new one in place of it. What ends a visitor takes token and
    cookie: no form can send the token, so that the origin is all there is to check.
    """
    if request.method not in UNSAFE or not is_api(request):
        return
    ends_visitor = caller.visitor is not None and (request.method, request.path) in ENDS_VISITOR
    if is_new or ends_visitor or request.path == CLAIM:
        if "Origin" in request.headers and not _csrf._origin_verified(request):  # type: ignore[attr-defined]
            raise Forged
    elif caller.kind == "visitor":
        _csrf.process_request(request)
        if _csrf.process_view(request, HttpResponse, (), {}) is not None:
            raise Forged


def _refusal(request: HttpRequest, error: Exception) -> HttpResponse:
    match error:
        case Unauthenticated():
            return problem(request, 401, str(error), headers={"WWW-Authenticate": "Bearer"})
        case Forged():
            return problem(request, 403, "The CSRF token is missing or wrong, or the origin is not allowed.")
        case TooManyKeys(allowance=allowance):
            headers = {"Retry-After": str(allowance.reset), **allowance.headers()}
            return problem(
                request, 429, f"Too many unknown API keys; try again in {allowance.reset} s.", headers=headers
            )
        case RequestDataTooBig():  # the CSRF token might have been a field of a form
            return problem(request, 413, TOO_LARGE)
    pause = PublishedKeys.PAUSE_SECONDS if isinstance(error, KeysUnavailable) else 5
    return problem(request, 503, "Sign-in can't be checked just now.", headers={"Retry-After": str(pause)})
