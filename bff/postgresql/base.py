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
        """A connection that works, or a new one. Raises psycopg.OperationalError if the pool has none in its timeout.

        What broke one connection usually broke all: the idle ones are replaced now, those in use on return.
        """
        connection: Connection = super().get_new_connection(conn_params)
        if not self.pool or self._works(connection):  # Django's own commands use none
            return connection
        self.pool.drain()
        replaced: Connection = super().get_new_connection(conn_params)
        return replaced

    def _works(self, connection: Connection) -> bool:
        """Give the connection back to the pool if it doesn't, or if the check itself is interrupted."""
        try:
            ConnectionPool.check_connection(connection)
        except Error:
            self.pool.putconn(connection)
            return False
        except BaseException:
            self.pool.putconn(connection)
            raise
        return True
