"""A database that is away, as the history finds it."""

from __future__ import annotations

import pytest

from chat.database import Database, DatabaseAway


def database_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks it from now on hears that it can't be reached."""

    def ask(self: Database, work: object) -> object:
        raise DatabaseAway("away")

    monkeypatch.setattr(Database, "ask", ask)
