"""`manage.py migrate`, one at a time: instances that start together wait for the first to finish."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

LOCK = 0x62_66_66  # "bff"
POLL_SECONDS = 0.2


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with _one_at_a_time(options["database"]):
            super().handle(*args, **options)


@contextmanager
def _one_at_a_time(database: str) -> Iterator[None]:
    """Hold a lock of PostgreSQL in a transaction: a pooler in transaction mode would lose a session's lock."""
    holder = connections[database].copy()
    holder.settings_dict.get("OPTIONS", {}).pop("pool", None)  # whose only connection may be what it would keep
    if holder.vendor != "postgresql":
        yield
        return
    try:
        holder.set_autocommit(False)
        # Not a statement that waits: an index that another instance is building online waits for all statements to end.
        while not _is_locked(holder):
            time.sleep(POLL_SECONDS)
        yield
        holder.rollback()
    finally:
        holder.close()


def _is_locked(holder: BaseDatabaseWrapper) -> bool:
    """Whether this transaction has the lock now."""
    with holder.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if cursor.fetchone()[0]:
            return True
    holder.rollback()
    return False
