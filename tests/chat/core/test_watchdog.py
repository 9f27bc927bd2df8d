"""Watchdog: one thread checks many items, reports each expiry once, and ends when there are no items."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from chat.core.watchdog import Watchdog
from tests.support.polling import eventually

NAME = "watchdog-test"


@pytest.fixture
def overdue() -> set[str]:
    return set()


@pytest.fixture
def expired() -> list[str]:
    return []


@pytest.fixture
def watchdog(overdue: set[str], expired: list[str]) -> Iterator[Watchdog[str]]:
    watchdog = Watchdog[str](NAME, 0.01, overdue.__contains__, expired.append)
    yield watchdog
    for item in ("a", "b", "c"):
        watchdog.remove(item)
    eventually(lambda: not is_running())


def is_running() -> bool:
    return NAME in [thread.name for thread in threading.enumerate()]


def test_on_expire_is_called_once_per_expired_item(watchdog, overdue, expired):
    watchdog.add("a")
    watchdog.add("b")
    overdue |= {"a"}
    eventually(lambda: expired == ["a"])
    overdue |= {"b"}
    eventually(lambda: expired == ["a", "b"])


def test_removed_items_do_not_expire(watchdog, overdue, expired):
    watchdog.add("a")
    watchdog.add("b")
    watchdog.remove("a")
    overdue |= {"a", "b"}
    eventually(lambda: expired)
    assert expired == ["b"]


def test_thread_ends_without_items_and_starts_again(watchdog, overdue, expired):
    watchdog.add("a")
    watchdog.remove("a")
    eventually(lambda: not is_running())
    watchdog.add("b")
    overdue |= {"b"}
    eventually(lambda: expired == ["b"])


def test_failing_callback_does_not_affect_other_items(overdue, expired, caplog):
    def on_expire(item: str) -> None:
        expired.append(item)
        raise RuntimeError

    watchdog = Watchdog[str](NAME, 0.01, overdue.__contains__, on_expire)
    overdue |= {"a", "b", "c"}
    for item in "abc":
        watchdog.add(item)
    eventually(lambda: sorted(expired) == ["a", "b", "c"])
    eventually(lambda: not is_running())
    assert [record.msg["event"] for record in caplog.records] == ["Watchdog callback failed"] * 3


def test_an_item_that_can_not_be_checked_is_reported_and_dropped_and_the_others_are_checked(expired, caplog):
    def is_expired(item: str) -> bool:
        if item == "broken":
            raise RuntimeError
        return item == "overdue"

    watchdog = Watchdog[str](NAME, 0.01, is_expired, expired.append)
    watchdog.add("fine")
    watchdog.add("broken")
    eventually(lambda: caplog.records)
    watchdog.add("overdue")
    eventually(lambda: expired == ["overdue"])
    watchdog.remove("fine")
    eventually(lambda: not is_running())
    watchdog.add("overdue")
    eventually(lambda: expired == ["overdue"] * 2)
    assert [record.msg["event"] for record in caplog.records] == ["Watchdog check failed"]


def test_items_may_be_removed_while_they_are_checked(expired):
    """The garbage collector closes an abandoned stream, and removes its items, in whatever thread it runs."""

    def is_expired(item: str) -> bool:
        checked.remove("b" if item == "a" else "a")
        return True

    checked = Watchdog[str](NAME, 0.01, is_expired, expired.append)
    checked.add("a")
    checked.add("b")
    eventually(lambda: not is_running())
    assert len(expired) == 1
