"""Connections to PostgreSQL from the pool of this process."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from django.db import connection
from psycopg_pool import ConnectionPool

from tests.support.polling import eventually

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 4


@pytest.fixture(autouse=True)
def _new_pool() -> None:
    """Threads of other tests may hold connections of the one before."""
    connection.close()
    cast("Any", connection).close_pool()


def in_threads_at_once() -> list[int]:
    """The process ids at the server of one connection for each of four threads, all in use at the same time."""
    together = threading.Barrier(THREADS)

    def query() -> int:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                together.wait(10)
                return int(cursor.fetchone()[0])
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return [sent.result() for sent in [pool.submit(query) for _ in range(THREADS)]]


def test_nobody_gets_a_dead_connection_or_waits_for_one_after_all_were_ended():
    connection.ensure_connection()  # is not among those that are ended
    before = in_threads_at_once()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", [before])
    connection.close()
    with connection.cursor() as cursor:  # the first, alone
        cursor.execute("SELECT 1")
    connection.close()
    after = in_threads_at_once()
    assert len(set(after)) == THREADS
    assert not set(before) & set(after)


def test_an_interrupted_check_leaks_no_connection(monkeypatch):
    here, check = threading.get_ident(), ConnectionPool.check_connection

    def interrupt(checked: Any) -> None:
        if threading.get_ident() == here:
            raise KeyboardInterrupt
        check(checked)

    with monkeypatch.context() as patch:
        patch.setattr(ConnectionPool, "check_connection", interrupt)
        with pytest.raises(KeyboardInterrupt):
            connection.ensure_connection()
    stats = cast("Any", connection).pool.get_stats
    eventually(lambda: stats()["pool_available"] == stats()["pool_size"] > 0)
