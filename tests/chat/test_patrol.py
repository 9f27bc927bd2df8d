"""One thread looks after many, once each, for as long as there are any."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from chat.patrol import Patrol
from tests.waiting import eventually

NAME = "patrol-test"


@pytest.fixture
def due() -> set[str]:
    return set()


@pytest.fixture
def tended() -> list[str]:
    return []


@pytest.fixture
def patrol(due: set[str], tended: list[str]) -> Iterator[Patrol[str]]:
    patrol = Patrol[str](NAME, 0.01, due.__contains__, tended.append)
    yield patrol
    for ward in ("a", "b", "c"):
        patrol.end(ward)
    eventually(lambda: not is_on_patrol())


def is_on_patrol() -> bool:
    return NAME in [thread.name for thread in threading.enumerate()]


def test_who_is_due_is_tended_once(patrol, due, tended):
    patrol.begin("a")
    patrol.begin("b")
    due |= {"a"}
    eventually(lambda: tended == ["a"])
    due |= {"b"}
    eventually(lambda: tended == ["a", "b"])


def test_who_has_gone_is_not_asked_for(patrol, due, tended):
    patrol.begin("a")
    patrol.begin("b")
    patrol.end("a")
    due |= {"a", "b"}
    eventually(lambda: tended)
    assert tended == ["b"]


def test_it_rests_when_there_is_nobody_and_sets_out_again(patrol, due, tended):
    patrol.begin("a")
    patrol.end("a")
    eventually(lambda: not is_on_patrol())
    patrol.begin("b")
    due |= {"b"}
    eventually(lambda: tended == ["b"])


def test_a_failure_with_one_costs_the_others_nothing(due, tended, caplog):
    def tend(ward: str) -> None:
        tended.append(ward)
        raise RuntimeError

    patrol = Patrol[str](NAME, 0.01, due.__contains__, tend)
    due |= {"a", "b", "c"}
    for ward in "abc":
        patrol.begin(ward)
    eventually(lambda: sorted(tended) == ["a", "b", "c"])
    eventually(lambda: not is_on_patrol())
    assert [record.msg["event"] for record in caplog.records] == ["Patrol failed"] * 3
