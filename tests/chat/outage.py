"""A database or a Redis that is away, as the history and the cache find it."""

from __future__ import annotations

import pytest

from chat.database import Database, DatabaseAway
from chat.store import Store


def database_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks it from now on hears that it can't be reached."""

    def ask(self: Database, work: object) -> object:
        raise DatabaseAway("away")

    monkeypatch.setattr(Database, "ask", ask)


def redis_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks it from now on gets what they said to have otherwise."""
    monkeypatch.setattr(Store, "ask", lambda self, operation, otherwise: otherwise)
