"""API keys for server-to-server clients. Each key is a caller of its own, with its own limits and cache scope.

A key is `bff_` and 43 random characters. The database stores its SHA-256 digest and its first characters, which
distinguish keys. The key has too much entropy for a digest to be reversed, so no slow hash is needed. A lost key is
revoked and replaced.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from contextlib import suppress
from datetime import datetime

from django.db import DatabaseError
from django.utils import timezone

from chat.models import ApiKey
from chat.storage.db_executor import DatabaseUnavailable, db_executor
from observability.caller import Caller

PREFIX = "bff_"
SHAPE = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}", re.ASCII)
SHOWN_CHARACTERS = 10
CACHE_SECONDS = 5  # the longest time for which an instance accepts a key after it is revoked …
CACHE_SECONDS_WITHOUT_DATABASE = 3600  # … or the longest while the database is unavailable

# Digest → the row and when it was read (monotonic clock). One entry for each key in use.
_cached: dict[str, tuple[ApiKey, float]] = {}


def create(name: str, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    """A new unsaved row, and the key itself, which is not stored and cannot be read again."""
    key = PREFIX + secrets.token_urlsafe(32)
    return ApiKey(name=name, expires_at=expires_at, prefix=key[:SHOWN_CHARACTERS], digest=_digest(key)), key


def needs_lookup(key: str) -> bool:
    """Whether this process has not found the key yet: such a look-up counts against guessing."""
    return SHAPE.fullmatch(key) is not None and _digest(key) not in _cached


def caller_of(key: str) -> Caller | None:
    """The program that this key belongs to; None if it is unknown, revoked or expired. Raises DatabaseUnavailable."""
    if not SHAPE.fullmatch(key):
        return None
    row = _find(_digest(key))
    if row is None or not row.is_in_force:
        return None
    return Caller(f"key-{row.pk}", "key", daily_answers=row.daily_answers)


def _find(digest: str) -> ApiKey | None:
    """The row, read again every few seconds. While the database is unavailable, cached keys stay valid."""
    row, read_at = _cached.get(digest, (None, 0.0))
    age = time.monotonic() - read_at
    if row is not None and age < CACHE_SECONDS:
        return row
    try:
        found = db_executor.run(lambda: _read(digest))
    except DatabaseUnavailable:
        if row is not None and age < CACHE_SECONDS_WITHOUT_DATABASE:
            return row
        raise
    if found is None:
        _cached.pop(digest, None)
    else:
        _cached[digest] = found, time.monotonic()
    return found


def _read(digest: str) -> ApiKey | None:
    """The row. Also stores the day of its last use, which takes one write a day."""
    row = ApiKey.objects.filter(digest=digest).first()
    today = timezone.localdate()
    if row is not None and row.is_in_force and row.last_used_on != today:
        with suppress(DatabaseError):  # a database that takes no writes still knows the keys
            ApiKey.objects.filter(pk=row.pk).update(last_used_on=today)
    return row


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
