"""Who may be told how answers come about: whoever develops, and staff signed in at the admin."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib import auth
from django.db import DatabaseError
from django.http import HttpRequest

from chat.database import database


def may_see_receipts(request: HttpRequest) -> bool:
    """The chat's own addresses know no session (bff.pages): the admin's is looked up only where its cookie is there."""
    if settings.DEBUG:
        return True
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not key:
        return False
    try:
        return database.ask(lambda: _is_staff(request, key))
    except DatabaseError:
        return False


def _is_staff(request: HttpRequest, session_key: str) -> bool:
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = auth.get_user(request)
    return user.is_active and user.is_staff
