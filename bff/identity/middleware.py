"""Identifies the caller: a signed-in person (Supabase JWT), a program (API key) or, if allowed, a visitor.

A signed cookie identifies a visitor. A `userId` in a body is ignored. The caller's id is stored in logs and rows: it is
the token's `sub`, an API key's number or a random visitor number, never a name or an address.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

import jwt
from django.conf import settings
from django.core import signing
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from bff.client_address import client_address, networks_of
from bff.http.problems import refusal, too_many_requests
from bff.identity.jwks import KeysUnavailable, PublishedKeys
from bff.identity.jwt_verifier import TokenVerifier
from bff.ratelimit import Counted, Counters, Rate, RateLimitState
from chat.history import api_keys, claims
from observability.authorization import credentials_of
from observability.caller import Caller, set_caller
from observability.routes import admits_visitors, route_of

VISITOR_SALT = "visitor"
VISITOR_COOKIE_AGE = 365 * 24 * 3600
VISITOR_RENEWAL_AGE = 30 * 24 * 3600  # the page sets an older cookie anew: it expires a year after the last visit
# Schemes of a password-protected proxy in front; browsers repeat them on every request.
PROXY_SCHEMES = frozenset({"basic", "digest", "negotiate", "ntlm"})


class Unauthenticated(Exception):
    """The request has no valid credentials; the detail is safe to show."""

    def __init__(self, detail: str | Promise) -> None:
        super().__init__(detail)
        self.detail = detail


class TooManyAttempts(Exception):
    """Too many keys from this network had to be looked up in the database, or too many of its tokens are not valid."""

    def __init__(self, state: RateLimitState) -> None:
        super().__init__(state.policy)
        self.state = state


AUTHENTICATION_ERRORS = (Unauthenticated, TooManyAttempts, KeysUnavailable, OperationalError)


_verifier = TokenVerifier()


class CallerMiddleware:
    """Sets `request.caller`, or responds 401 (unauthenticated), 429 (guessing) or 503 (unverifiable).

    Runs only on routes that declare `needs_caller`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.attempts_limit = Rate.parse(settings.RATE_LIMIT_DEFAULT)
        self.counters = Counters()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        route = route_of(request)
        if not route.needs_caller:
            return self.get_response(request)
        try:
            caller = self._identify(request)
        except AUTHENTICATION_ERRORS as error:
            return _error_response(request, error)
        set_caller(request, caller)
        response = self.get_response(request)
        if route.ends_visitor and response.status_code in {200, 409}:  # 409: another person has claimed the visitor
            response.delete_cookie(settings.VISITOR_COOKIE_NAME, samesite="Lax")
        # A forged form, sent without the cookie, must not replace it.
        elif (caller.is_new and response.status_code != 403) or _cookie_needs_renewal(request, caller):
            _set_visitor_cookie(response, caller)
        if settings.CORS_ALLOW_CREDENTIALS and request.headers.get("Origin") in settings.CORS_ALLOWED_ORIGINS:
            _send_to_other_origins(response)
        # Personal: the browser stores nothing of it. The page's service worker alone keeps the last conversations.
        if route.kind == "api" or request.method == "POST":
            response.headers["Cache-Control"] = "private, no-store"
        return response

    def _identify(self, request: HttpRequest) -> Caller:
        """The caller. Raises one of AUTHENTICATION_ERRORS."""
        scheme, token = credentials_of(request)
        networks = networks_of(client_address(request.META))
        error_format = route_of(request).error_format
        admits = admits_visitors(error_format)
        if scheme and not (admits and _name_no_caller(scheme, token, error_format)):
            if scheme != "bearer":
                raise Unauthenticated(_("Only bearer tokens are accepted."))
            if token.startswith(api_keys.PREFIX):
                return self._program(token, networks)
            return Caller(self._subject(token, networks), "user", _visitor(request), networks)
        if not admits:
            key_needed = "An API key or an access token is needed here."
            raise Unauthenticated(key_needed if error_format == "openai" else _("Please sign in."))
        visitor = _visitor(request)
        if visitor and route_of(request).kind == "page" and _is_claimed(visitor):
            visitor = None
        return Caller(visitor or f"visitor-{uuid.uuid4()}", "visitor", networks=networks, is_new=visitor is None)

    def _program(self, key: str, networks: tuple[str, ...]) -> Caller:
        """The program with this API key. Raises Unauthenticated, TooManyAttempts, or OperationalError."""
        if api_keys.needs_lookup(key):
            self._count_attempt("keys", networks)
        if (program := api_keys.caller_of(key)) is None:
            raise Unauthenticated(_("The API key is not valid."))
        return replace(program, networks=networks)

    def _subject(self, token: str, networks: Sequence[str]) -> str:
        """The user id of an access token. Raises Unauthenticated, TooManyAttempts or KeysUnavailable."""
        try:
            return _verifier.subject(token)
        except (jwt.PyJWTError, RecursionError) as error:  # a deeply nested header exhausts the JSON parser
            self._count_attempt("tokens", networks)
            raise Unauthenticated(_("The access token is not valid.")) from error

    def _count_attempt(self, policy: str, networks: Sequence[str]) -> None:
        """Limit database lookups of made-up API keys, and invalid tokens. Raises TooManyAttempts."""
        states = self.counters.hit(*(Counted(policy, self.attempts_limit, network) for network in networks))
        if (state := min(states, key=lambda state: state.remaining)).remaining < 0:
            raise TooManyAttempts(state)


def _name_no_caller(scheme: str, token: str, error_format: str) -> bool:
    """Whether these credentials name no caller.

    They are meant for a proxy in front, or a placeholder key, which OpenAI's clients require.
    """
    is_ours = token.startswith(api_keys.PREFIX) or token.count(".") == 2  # a key, or shaped as a token
    return scheme in PROXY_SCHEMES or (scheme == "bearer" and error_format == "openai" and not is_ours)


def _visitor(request: HttpRequest, max_age: int = VISITOR_COOKIE_AGE) -> str | None:
    """The visitor id in the signed cookie; None without a valid one of `max_age` seconds at most."""
    try:
        cookie = request.COOKIES[settings.VISITOR_COOKIE_NAME]
        return str(signing.loads(cookie, salt=VISITOR_SALT, max_age=max_age))
    except (KeyError, signing.BadSignature):
        return None


def _cookie_needs_renewal(request: HttpRequest, caller: Caller) -> bool:
    """Whether a known visitor opens the page with a cookie older than VISITOR_RENEWAL_AGE. Its id stays."""
    is_known = caller.kind == "visitor" and not caller.is_new
    opens_page = request.method == "GET" and route_of(request).kind == "page"
    is_old = is_known and opens_page and _visitor(request, VISITOR_RENEWAL_AGE) is None
    return is_old and not _is_claimed(caller.id, if_unknown=True)


def _is_claimed(visitor: str, *, if_unknown: bool = False) -> bool:
    """Whether the cookie has outlived its visitor. Asked when the page is opened, not with each message.

    `if_unknown` is the answer while the database is unavailable.
    """
    try:
        return claims.is_claimed(visitor)
    except OperationalError:
        return if_unknown


def _set_visitor_cookie(response: HttpResponseBase, caller: Caller) -> None:
    response.set_cookie(
        settings.VISITOR_COOKIE_NAME,
        signing.dumps(caller.id, salt=VISITOR_SALT),
        max_age=VISITOR_COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _send_to_other_origins(response: HttpResponseBase) -> None:
    """Have the browser send the visitor's and the CSRF cookie with requests of pages of the requesting origin.

    A partitioned cookie belongs to the site that the page is from, so that no other site can use it.
    """
    for name in (settings.VISITOR_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
        if name in response.cookies:
            # Python's cookies have no `Partitioned` before version 3.14.
            response.cookies[name]["samesite"] = "None; Partitioned"
            response.cookies[name]["secure"] = True


def _error_response(request: HttpRequest, error: Exception) -> HttpResponse:
    match error:
        case Unauthenticated(detail=detail):
            return refusal(request, 401, detail, {"WWW-Authenticate": "Bearer"})
        case TooManyAttempts(state=state):
            text = format_lazy(_("Too many invalid keys or tokens; try again in {seconds} s."), seconds=state.reset)
            return too_many_requests(request, state.reset, text, state.headers())
    retry_after = PublishedKeys.MIN_FETCH_INTERVAL_SECONDS if isinstance(error, KeysUnavailable) else 5
    return refusal(request, 503, _("Sign-in can't be checked just now."), {"Retry-After": str(retry_after)})
