"""Django's layers for pages and the admin. API and operations paths carry no session, no messages, no CSRF form:
each layer they skip is time that a person does not wait.
"""

from __future__ import annotations

from typing import Any

import csp.middleware
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponseBase, HttpResponseForbidden, HttpResponsePermanentRedirect
from django.middleware import clickjacking, common, csrf, gzip, locale

API_PATHS = ("/api/chat/", "/api/me", "/v1/")
OPERATIONS_PATHS = ("/healthz", "/readyz", "/metrics")
MACHINE_PATHS = (*API_PATHS, *OPERATIONS_PATHS)


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith(API_PATHS)


def is_for_machines(request: HttpRequest) -> bool:
    return request.path.startswith(MACHINE_PATHS)


def speaks_json(request: HttpRequest) -> bool:
    """Whether a program called: anything below /api/ and /v1/, whether it is there or not, but the page /api/docs."""
    return request.path.startswith(("/api/", "/v1/")) and not request.path.startswith("/api/docs")


def is_chat(request: HttpRequest) -> bool:
    """Whether somebody chats here, by program or by page: these want to know who is calling."""
    return request.path == "/" or is_api(request)


class PagesOnly:
    """Steps aside on paths that programs call."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if is_for_machines(request):
            response: HttpResponseBase = self.get_response(request)  # type: ignore[attr-defined]
            return response
        return super().__call__(request)  # type: ignore[misc, no-any-return]


class GZipMiddleware(PagesOnly, gzip.GZipMiddleware):
    """A page shrinks to a third. Its CSRF token is masked anew each time, so that its length tells nothing."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """What a program reads may still get another shape further out, and must be legible there."""
        return response if speaks_json(request) else super().process_response(request, response)


class SessionMiddleware(PagesOnly, sessions.SessionMiddleware): ...


class LocaleMiddleware(PagesOnly, locale.LocaleMiddleware): ...


class CommonMiddleware(common.CommonMiddleware):
    """Tells the length, to programs too: without it a reply goes out in chunks, by a write more."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Programs write no address without its slash."""
        return None if is_for_machines(request) else super().process_request(request)


class CsrfViewMiddleware(PagesOnly, csrf.CsrfViewMiddleware):
    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponseForbidden | None:
        """APIs check it where identity comes from a cookie: see bff.auth."""
        return None if is_for_machines(request) else super().process_view(request, *view)


class AuthenticationMiddleware(PagesOnly, auth.AuthenticationMiddleware): ...


class MessageMiddleware(PagesOnly, messages.MessageMiddleware): ...


class XFrameOptionsMiddleware(PagesOnly, clickjacking.XFrameOptionsMiddleware): ...


class CSPMiddleware(PagesOnly, csp.middleware.CSPMiddleware): ...
