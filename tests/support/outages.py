"""Simulated outages of the database and of Redis, as the history and the cache see them."""

from __future__ import annotations

import pytest

from chat.storage.db_executor import DatabaseExecutor, DatabaseUnavailable
from chat.storage.shared_redis import SharedRedis


def break_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on `db_executor.run` raises DatabaseUnavailable."""

    def run(self: DatabaseExecutor, work: object) -> object:
        raise DatabaseUnavailable("unavailable")

    monkeypatch.setattr(DatabaseExecutor, "run", run)


def break_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on `shared_redis.execute` returns its default."""
    monkeypatch.setattr(SharedRedis, "execute", lambda self, operation, default: default)
