"""Connections from a pool, checked before use.

The pool's own check gives up at the second dead connection in a row: it then waits for as long as a request may wait
for one, although the database is back.
"""

from __future__ import annotations

from typing import Any

from django.db import OperationalError
from django_prometheus.db.backends.postgresql import base
from psycopg import Connection
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc] # the package is untyped
    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        """A connection that works. Raises OperationalError if the pool has none within its timeout."""
        connection: Connection = super().get_new_connection(conn_params)
        try:
            with self.wrap_database_errors:
                ConnectionPool.check_connection(connection)
        except OperationalError:
            self.pool.putconn(connection)
            self.pool.drain()  # what ended this one ended the others
            connection = super().get_new_connection(conn_params)
        return connection
