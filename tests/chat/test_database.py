"""The database is waited for a moment, then left alone."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import IntegrityError, OperationalError

from chat import database
from chat.database import Database, DatabaseAway


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
