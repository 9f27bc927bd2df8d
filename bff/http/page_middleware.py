"""Django's middlewares for pages and the admin.

API and operations routes skip them: they have no session, no messages and no CSRF form, and each skipped middleware
saves response time.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import csp.middleware
from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponsePermanentRedirect,
    UnreadablePostError,
)
from django.middleware import clickjacking, common, csrf, gzip, locale
from django.utils.deprecation import MiddlewareMixin

from bff.http.problems import unreadable_body
from observability.routes import route_of


def _is_page(request: HttpRequest) -> bool:
    return route_of(request).kind == "page"


class PagesOnly(MiddlewareMixin):
    """Mixin for a middleware that runs on pages only."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        return super().__call__(request) if _is_page(request) else self.get_response(request)


class GZipMiddleware(PagesOnly, gzip.GZipMiddleware):
    """Compresses a page to a third. Each response masks the CSRF token anew, so that its length reveals nothing."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Don't compress errors that ProblemMiddleware, further out, may rewrite."""
        is_rewritable = route_of(request).error_format != "html"
        return response if is_rewritable else super().process_response(request, response)


class SessionMiddleware(PagesOnly, sessions.SessionMiddleware): ...


class LocaleMiddleware(PagesOnly, locale.LocaleMiddleware): ...


class CommonMiddleware(common.CommonMiddleware):
    """Sets Content-Length on all responses: without it gunicorn sends chunks, with one more write per response."""

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Append missing slashes to addresses of pages only."""
        return super().process_request(request) if _is_page(request) else None


class CsrfViewMiddleware(PagesOnly, csrf.CsrfViewMiddleware):
    @cached_property
    def allowed_origins_exact(self) -> set[str]:
        """Our own origins, if a proxy changes `Host`. Other origins may use the API but not submit forms to pages."""
        return {each for each in settings.CSRF_TRUSTED_ORIGINS if urlsplit(each).hostname in settings.ALLOWED_HOSTS}

    @cached_property
    def csrf_trusted_origins_hosts(self) -> list[str]:
        return [urlsplit(each).netloc for each in self.allowed_origins_exact]

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:  # type: ignore[override]  # Django uses any response
        """On API routes bff.identity.csrf checks callers that a cookie identifies."""
        if not _is_page(request):
            return None
        try:
            _ = request.POST  # Django's check would take a body that doesn't arrive for one without a token
        except UnreadablePostError as error:
            return HttpResponse(status=unreadable_body(request, error).status_code)
        return super().process_view(request, *view)


class AuthenticationMiddleware(PagesOnly, auth.AuthenticationMiddleware): ...


class MessageMiddleware(PagesOnly, messages.MessageMiddleware): ...


class XFrameOptionsMiddleware(PagesOnly, clickjacking.XFrameOptionsMiddleware): ...


class CSPMiddleware(PagesOnly, csp.middleware.CSPMiddleware): ...
