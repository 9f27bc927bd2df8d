"""Simulated outages of the database and of Redis, as the history and the cache see them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import OperationalError, connections

from chat.storage.db_executor import DatabaseExecutor, DatabaseUnavailable
from observability.shared_redis import SharedRedis


def break_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on `db_executor.run` raises DatabaseUnavailable."""

    def run(self: DatabaseExecutor, work: object, *, even_if_late: bool = False) -> object:
        raise DatabaseUnavailable("unavailable")

    monkeypatch.setattr(DatabaseExecutor, "run", run)


def break_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on `shared_redis.send` returns None."""
    monkeypatch.setattr(SharedRedis, "_execute", lambda self, operation: None)


class UnreachableDatabase:
    """Every new connection fails after this many seconds, until `is_back` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0) -> None:
        self.is_back = threading.Event()
        connect = type(connections["default"]).get_new_connection

        def refuse(wrapper: Any, parameters: Any) -> Any:
            if self.is_back.wait(seconds):
                return connect(wrapper, parameters)
            raise OperationalError("connection refused")

        monkeypatch.setattr(type(connections["default"]), "get_new_connection", refuse)
