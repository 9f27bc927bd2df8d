"""Connections from a pool, checked before use.

The pool's own check gives up at the second dead connection in a row: it then waits for as long as a request may wait
for one, although the database is back.
"""

from __future__ import annotations

from typing import Any

from django_prometheus.db.backends.postgresql import base
from psycopg import Connection, Error
from psycopg_pool import ConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc] # the package is untyped
    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        """A connection that works. Raises psycopg.OperationalError if the pool has none within its timeout."""
        connection: Connection = super().get_new_connection(conn_params)
        if not self._works(connection):
            self.pool.drain()  # what ended this one ended the others
            connection = super().get_new_connection(conn_params)
        return connection

    def _works(self, connection: Connection) -> bool:
        """Give the connection back to the pool if it doesn't, or if the check itself is interrupted."""
        try:
            ConnectionPool.check_connection(connection)
        except BaseException as error:
            self.pool.putconn(connection)
            if isinstance(error, Error):
                return False
            raise
        return True
