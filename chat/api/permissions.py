"""Permission to see the provenance of answers: everyone in development, else staff with a complete admin session."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib import auth
from django.db import DatabaseError
from django.http import HttpRequest

from chat.history import second_factors
from chat.storage.db_executor import db_executor


def may_see_provenance(request: HttpRequest) -> bool:
    """Loads the session of the admin's cookie: API routes have no session middleware (bff.http.page_middleware)."""
    if settings.DEBUG:
        return True
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return False
    try:
        return db_executor.run(lambda: _is_staff(request, key))
    except DatabaseError:
        return False


def _is_staff(request: HttpRequest, session_key: str) -> bool:
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = auth.get_user(request)
    return user.is_active and user.is_staff and second_factors.suffices(user, request.session)
