"""A busy worker, or a slow Redis or PostgreSQL, is not logged as an outage."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from django.db import connection

from tests.support.server import Server
from tests.support.tcp_proxy import TcpProxy

pytestmark = pytest.mark.django_db(transaction=True)

DELAY_SECONDS = 0.08


@pytest.fixture
def slow_postgres() -> Iterator[TcpProxy]:
    folder = connection.settings_dict["HOST"] or connection.settings_dict["OPTIONS"]["host"]
    proxy = TcpProxy(str(Path(folder) / ".s.PGSQL.5432"), DELAY_SECONDS)
    yield proxy
    proxy.close()


@pytest.fixture
def slow_redis() -> Iterator[TcpProxy]:
    proxy = TcpProxy(urlsplit(os.environ["REDIS_URL"]).port or 0, DELAY_SECONDS)
    yield proxy
    proxy.close()


def database_address(proxy: TcpProxy) -> str:
    database = connection.settings_dict
    return f"postgresql://{database['USER']}:@127.0.0.1:{proxy.port}/{database['NAME']}"


def slow_operations(server: Server) -> dict[str, float]:
    """The number of slow operations by dependency, as in the metrics."""
    lines = server.get("/metrics").text.splitlines()
    return {
        name: float(line.rpartition(" ")[2])
        for line in lines
        for name in ("redis", "supabase")
        if line.startswith(f'bff_dependency_slow_total{{dependency="{name}"}}')
    }


def logged_outages(server: Server) -> list[str]:
    return [line for line in server.lines() if "Dependency unavailable" in line]


def test_a_worker_that_is_blocked_for_two_seconds_logs_no_outage_and_saves_every_answer(ai, few_entries, slow_postgres):
    slow_postgres.delay = 0.1  # so that statements are in progress at every freeze
    server = Server(DATABASE_URL=database_address(slow_postgres))
    worker = psutil.Process(server.process.child.pid).children()[0]
    try:
        server.ask("Première question, pour ouvrir les connexions ?")
        with ThreadPoolExecutor(6) as pool:
            answers = [pool.submit(server.ask, f"Question {number} ?") for number in range(36)]
            for _ in range(3):
                time.sleep(0.4)
                worker.send_signal(signal.SIGSTOP)
                time.sleep(2)
                worker.send_signal(signal.SIGCONT)
            saved = [answer.result().json()["saved"] for answer in answers]
        assert saved == [True] * 36
        assert logged_outages(server) == []
    finally:
        server.stop()


def test_redis_and_postgresql_behind_a_slow_network_are_used_and_counted_as_slow(ai, slow_redis, slow_postgres):
    server = Server(DATABASE_URL=database_address(slow_postgres), REDIS_URL=f"redis://127.0.0.1:{slow_redis.port}/0")
    try:
        with ThreadPoolExecutor(4) as pool:
            answers = [answer.json() for answer in pool.map(server.ask, [f"Question {n} ?" for n in range(12)])]
        assert [answer["saved"] for answer in answers] == [True] * 12
        assert [server.ask("Qu'est-ce que la MDPH ?").headers["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]
        assert logged_outages(server) == []
        slow = slow_operations(server)
        assert slow["redis"] > 0
        assert slow["supabase"] > 0
    finally:
        server.stop()
