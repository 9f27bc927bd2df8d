"""The database is waited for a moment, then left alone."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import IntegrityError, OperationalError, connection
from django.db.backends.postgresql.base import DatabaseWrapper as PostgresWrapper

from chat import database
from chat.database import Database, DatabaseAway
from chat.models import Message
from tests.waiting import eventually


def test_work_that_hangs_is_not_waited_for_twice(monkeypatch):
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.05)
    ours, thaw = Database(), threading.Event()
    with pytest.raises(DatabaseAway):
        ours.ask(thaw.wait)
    began = time.monotonic()
    with pytest.raises(DatabaseAway):
        ours.ask(lambda: "not tried")
    assert time.monotonic() - began < 0.05
    thaw.set()


@pytest.mark.django_db(transaction=True)
def test_the_database_is_found_back_without_anybody_who_waits(monkeypatch):
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.05)
    ours, thaw = Database(), threading.Event()
    with pytest.raises(DatabaseAway):
        ours.ask(thaw.wait)
    thaw.set()
    monkeypatch.setattr(database, "WAIT_SECONDS", 5)
    eventually(lambda: not ours.absence.is_on)
    assert ours.ask(Message.objects.count) == 0


@pytest.mark.django_db(transaction=True)
def test_a_database_that_still_hangs_is_not_found_back(monkeypatch):
    ours = Database()
    with monkeypatch.context() as outage:
        outage.setattr(database, "WAIT_SECONDS", 0.01)
        outage.setattr(PostgresWrapper, "ensure_connection", lambda _: time.sleep(0.2))
        with pytest.raises(DatabaseAway):
            ours.ask(lambda: time.sleep(0.2))
        assert not ours.absence.look()
        assert ours.absence.is_on
    eventually(ours.absence.look)


@pytest.mark.django_db(transaction=True)
def test_an_outage_costs_the_pool_no_connection():
    ours = Database()

    def lent() -> int:
        at = connection.pool.get_stats()
        return at["pool_size"] - at["pool_available"]

    connection.close()
    eventually(lambda: not is_at_work())
    before = lent()
    for _ in range(3):
        ours.absence.begin(OperationalError())
        eventually(lambda: not ours.absence.is_on)
    eventually(lambda: not is_at_work())  # each gives its connection back
    eventually(lambda: lent() <= before)


def is_at_work() -> bool:
    return "database" in [thread.name for thread in threading.enumerate()]


def test_a_connection_that_died_is_worth_a_second_try():
    tries = []

    def work() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise OperationalError("server closed the connection")
        return "saved"

    assert Database().ask(work) == "saved"


def test_two_dead_connections_are_an_outage():
    def work() -> None:
        raise OperationalError("refused")

    with pytest.raises(DatabaseAway):
        Database().ask(work)


def test_our_own_mistakes_are_not_mistaken_for_an_outage():
    def work() -> None:
        raise IntegrityError("duplicate")

    with pytest.raises(IntegrityError):
        Database().ask(work)
