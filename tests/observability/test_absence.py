"""A dependency that has gone is told once, heeded by everyone, and found back by nobody who waits for an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from redis import Redis
from redis.exceptions import TimeoutError as RedisTimeout

from observability import absence
from observability.absence import Absence
from tests.together import at_once
from tests.waiting import eventually


class Dependency:
    """Is there or not, and counts how often it was asked."""

    def __init__(self) -> None:
        self.is_there = False
        self.asked = 0

    def ping(self) -> None:
        self.asked += 1
        if not self.is_there:
            raise RedisTimeout


@pytest.fixture
def dependency() -> Dependency:
    return Dependency()


@pytest.fixture
def watched(dependency: Dependency) -> Iterator[Absence]:
    """Asked every 10 ms while it is away."""
    ours = Absence("test", dependency.ping, pause_seconds=0.01)
    yield ours
    ours.end()


def watchers() -> int:
    return sum(thread.name == "absent-test" for thread in threading.enumerate())


def test_what_never_failed_is_there_and_is_not_asked(dependency, watched):
    assert not watched.is_on
    assert dependency.asked == 0


def test_who_learns_first_tells_the_rest(watched):
    watched.begin(RedisTimeout())
    assert watched.is_on


def test_a_thread_of_its_own_finds_it_back(dependency, watched):
    watched.begin(RedisTimeout())
    eventually(lambda: dependency.asked >= 3)
    assert watched.is_on
    dependency.is_there = True
    eventually(lambda: not watched.is_on)
    eventually(lambda: watchers() == 0)


def test_however_many_fail_at_once_it_is_told_once_and_one_thread_asks(dependency, watched, capsys):
    at_once(8, lambda: watched.begin(RedisTimeout()))
    assert watchers() == 1
    assert capsys.readouterr().out.count("Dependency is left alone") == 1


def test_it_may_go_and_come_back_again_and_again(dependency, watched):
    for _ in range(3):
        dependency.is_there = False
        watched.begin(RedisTimeout())
        assert watched.is_on
        dependency.is_there = True
        eventually(lambda: not watched.is_on)


def test_one_redis_has_one_absence_whatever_pool_database_or_password_it_is_asked_with():
    ours = absence.of_redis("redis://127.0.0.1:1/0", Redis)
    same = ["redis://127.0.0.1:1/0?client_name=breaker", "redis://127.0.0.1:1/3", "redis://me:secret@127.0.0.1:1/0"]
    others = ["redis://127.0.0.1:2/0", "unix:///run/redis.sock"]
    assert all(absence.of_redis(url, Redis) is ours for url in same)
    assert all(absence.of_redis(url, Redis) is not ours for url in others)
