"""Changes of the database that the servers of the tests see."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection


def run_committed(work: Callable[[], object]) -> None:
    """Run in a thread with a database connection of its own, so that the changes are committed for the server."""

    def work_and_close() -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(work_and_close).result()
