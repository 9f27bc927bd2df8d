"""Empties the tables after a test that has committed."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

import psycopg
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.base import BaseCommand
from django.db import connections, transaction

from tests.support.polling import eventually
from tests.support.server import database_url


def empty_tables(command: BaseCommand, *, database: str, **options: Any) -> None:
    """In place of Django's `flush`, which truncates empty tables as well, and then adds the permissions and content
    types anew: that took as long as a short test. Waits, as `flush` does, for transactions that write."""
    tables = _tables(database)
    with transaction.atomic(using=database), connections[database].cursor() as cursor:
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger keeps a row, or checks foreign keys
        cursor.execute("; ".join(f"DELETE FROM {table}" for table in tables))


def end_other_sessions() -> None:
    """Wait until no thread uses the test database; what is left then is ended, for it could not be dropped."""
    connection: Any = connections["default"]
    connection.close_pool()
    with psycopg.connect(database_url(), autocommit=True) as session:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        with suppress(AssertionError):
            eventually(lambda: session.execute(f"SELECT count(*) {others}").fetchone() == (0,), seconds=5)
        session.execute(f"SELECT pg_terminate_backend(pid) {others}")


@cache
def _tables(database: str) -> list[str]:
    """All but those that `migrate` fills."""
    connection = connections[database]
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    filled = {model._meta.db_table for model in (ContentType, Permission)}
    return [connection.ops.quote_name(name) for name in sorted(set(names) - filled)]
