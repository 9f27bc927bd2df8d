"""API keys, for programs that call from server to server: each is a caller of its own, with its own limits and scope.

A key is `bff_` and 43 random characters. We keep its SHA-256 and its first characters, to tell keys apart by: so much
chance can't be guessed back from a digest, and nothing slower is needed. Who lost one has it revoked and another made.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from chat.database import DatabaseAway, database
from chat.models import ApiKey

SHAPE = re.compile(r"bff_[A-Za-z0-9_-]{43}", re.ASCII)
PREFIX_LENGTH = 10
REMEMBERED_SECONDS = 5  # a key that was revoked is refused on every instance this late at most …
REMEMBERED_WITHOUT_DATABASE_SECONDS = 3600  # … or, while the database is away, when it is back

# By digest: the row, and when it was read on the monotonic clock. As many as there are keys in use.
_remembered: dict[str, tuple[ApiKey, float]] = {}


def make(name: str, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    """A new key's row, not saved yet, and the key itself, which nobody can read again after this."""
    key = f"bff_{secrets.token_urlsafe(32)}"
    return ApiKey(name=name, expires_at=expires_at, prefix=key[:PREFIX_LENGTH], digest=_digest(key)), key


def caller_of(key: str, before_reading: Callable[[], None]) -> str | None:
    """The id of the caller whose key this is; None when it is nobody's, revoked or expired. Raises DatabaseAway.

    `before_reading` is called before the database is asked about a key that it never knew here; it may raise.
    """
    if not SHAPE.fullmatch(key):
        return None
    digest = _digest(key)
    if digest not in _remembered:
        before_reading()
    row = _find(digest)
    return f"key-{row.pk}" if row is not None and row.is_in_force else None


def _find(digest: str) -> ApiKey | None:
    """The database is asked every few seconds; while it is away, keys that are in use stay so."""
    row, read_at = _remembered.get(digest, (None, 0.0))
    age = time.monotonic() - read_at
    if row is not None and age < REMEMBERED_SECONDS:
        return row
    try:
        found = database.ask(lambda: _read(digest))
    except DatabaseAway:
        if row is not None and age < REMEMBERED_WITHOUT_DATABASE_SECONDS:
            return row
        raise
    if found is None:
        _remembered.pop(digest, None)
    else:
        _remembered[digest] = found, time.monotonic()
    return found


def _read(digest: str) -> ApiKey | None:
    """The row, and a note that it is in use: of the day only, so that it is written once a day."""
    row = ApiKey.objects.filter(digest=digest).first()
    today = timezone.localdate()
    if row is not None and row.is_in_force and row.last_used_on != today:
        ApiKey.objects.filter(pk=row.pk).update(last_used_on=today)
    return row


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
