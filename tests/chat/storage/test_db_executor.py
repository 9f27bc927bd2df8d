"""DatabaseExecutor: bounded waits, one retry, and outages."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.db.backends.postgresql.base import DatabaseWrapper as PostgresWrapper

from chat.models import Message
from chat.storage import db_executor
from chat.storage.db_executor import DatabaseExecutor, DatabaseUnavailable
from tests.support.polling import eventually


@pytest.fixture
def quick_steps(monkeypatch):
    """The executor waits 15 ms for a silent database, and 30 ms for a busy one."""
    monkeypatch.setattr(db_executor, "STEP_SECONDS", 0.001)


@pytest.fixture
def executor() -> Iterator[DatabaseExecutor]:
    """Nothing watches its outage after the test: without a database every probe fails, and the outage has no end."""
    others, executor = set(threading.enumerate()), DatabaseExecutor()
    yield executor

    def is_unwatched() -> bool:
        executor.outage.end()
        return "outage-supabase" not in [thread.name for thread in threading.enumerate() if thread not in others]

    eventually(is_unwatched)


@pytest.fixture
def release(executor: DatabaseExecutor) -> Iterator[threading.Event]:
    """Jobs of the executor may wait for it: it is set after the test, also after one that failed."""
    event = threading.Event()
    yield event
    event.set()


def test_after_a_timeout_calls_fail_without_waiting(executor, release, quick_steps, monkeypatch):
    with pytest.raises(DatabaseUnavailable):
        executor.run(release.wait)
    monkeypatch.setattr(db_executor, "STEP_SECONDS", 1.0)  # waiting would take 15 s now
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        executor.run(lambda: "not tried")
    assert time.monotonic() - began < 5


@pytest.mark.django_db(transaction=True)
def test_a_job_that_its_caller_has_given_up_is_begun_later_only_if_wanted(executor, release, settings, monkeypatch):
    """What it would write may have been deleted since."""
    settings.DATABASE_POOL_SIZE = 1
    begun: list[str] = []

    def hang() -> None:
        begun.append("first")
        release.wait()

    with monkeypatch.context() as patch:
        patch.setattr(db_executor, "STEP_SECONDS", 0.001)
        with pytest.raises(DatabaseUnavailable):
            executor.run(hang)
        with pytest.raises(DatabaseUnavailable):
            executor._run(lambda: begun.append("queued"))
        with pytest.raises(DatabaseUnavailable):
            executor._run(lambda: begun.append("wanted late"), even_if_late=True)
    release.set()
    eventually(lambda: not executor.outage.is_active)
    executor.run(lambda: begun.append("last"))
    assert begun == ["first", "wanted late", "last"]


@pytest.mark.django_db(transaction=True)
def test_recovery_is_detected_in_the_background(executor, release, monkeypatch):
    monkeypatch.setattr(db_executor, "STEP_SECONDS", 0.001)
    with pytest.raises(DatabaseUnavailable):
        executor.run(release.wait)
    release.set()
    monkeypatch.setattr(db_executor, "STEP_SECONDS", 0.1)
    eventually(lambda: not executor.outage.is_active)
    assert executor.run(Message.objects.count) == 0


@pytest.mark.django_db(transaction=True)
def test_hanging_database_stays_unavailable(executor, monkeypatch):
    with monkeypatch.context() as outage:
        outage.setattr(db_executor, "STEP_SECONDS", 0.001)
        outage.setattr(PostgresWrapper, "ensure_connection", lambda _: time.sleep(0.2))
        with pytest.raises(DatabaseUnavailable):
            executor.run(lambda: time.sleep(0.2))
        assert not executor.outage.check()
        assert executor.outage.is_active
    eventually(executor.outage.check)


@pytest.mark.django_db(transaction=True)
def test_outages_leak_no_pool_connection(executor):
    def connections_in_use() -> int:
        stats = cast("Any", connection).pool.get_stats()
        return stats["pool_size"] - stats["pool_available"]

    connection.close()
    eventually(lambda: not has_workers())
    before = connections_in_use()
    for _ in range(3):
        executor.outage.begin(OperationalError())
        eventually(lambda: not executor.outage.is_active)
    eventually(lambda: not has_workers())  # every worker has returned its connection
    eventually(lambda: connections_in_use() <= before)


def has_workers() -> bool:
    return "database" in [thread.name for thread in threading.enumerate()]


@pytest.mark.django_db(transaction=True)
def test_a_slow_statement_alone_is_no_outage(executor, release, quick_steps, capsys):
    threading.Timer(0.5, release.set).start()
    with pytest.raises(DatabaseUnavailable):
        executor.run(release.wait)
    eventually(lambda: not executor.outage.is_active)
    assert "Dependency unavailable" not in capsys.readouterr().out
    release.wait()


@pytest.mark.django_db(transaction=True)
def test_while_the_database_answers_others_a_waiting_job_begins_no_outage(executor, release, monkeypatch):
    monkeypatch.setattr(db_executor, "STEP_SECONDS", 0.02)
    is_over = threading.Event()

    def keep_busy() -> None:
        while not is_over.is_set():
            executor.run(lambda: None)

    busy = threading.Thread(target=keep_busy)
    busy.start()
    try:
        with pytest.raises(DatabaseUnavailable, match="too much to do"):
            executor.run(release.wait)
        assert not executor.outage.is_active
    finally:
        is_over.set()
        busy.join()


def test_dead_connection_is_retried_once():
    attempts = []

    def work() -> str:
        attempts.append(1)
        if len(attempts) == 1:
            raise OperationalError("server closed the connection")
        return "saved"

    assert DatabaseExecutor().run(work) == "saved"


@pytest.mark.django_db(transaction=True)
def test_a_job_that_its_caller_has_given_up_is_not_repeated(executor, release, quick_steps):
    attempts: list[int] = []

    def work() -> None:
        attempts.append(1)
        release.wait()
        raise OperationalError("server closed the connection")

    with pytest.raises(DatabaseUnavailable):
        executor.run(work)
    release.set()
    eventually(lambda: not has_workers())
    assert attempts == [1]


def test_two_failed_attempts_raise_database_unavailable():
    def work() -> None:
        raise OperationalError("refused")

    with pytest.raises(DatabaseUnavailable):
        DatabaseExecutor().run(work)


def test_other_database_errors_are_raised_unchanged():
    def work() -> None:
        raise IntegrityError("duplicate")

    with pytest.raises(IntegrityError):
        DatabaseExecutor().run(work)
