"""The marks of deletions: what was asked before one is not stored after it."""

from __future__ import annotations

import time

from django_redis import get_redis_connection

from chat.history import deletions
from chat.storage.answer_cache import FORGOTTEN_SECONDS
from tests.support.outages import break_redis


def test_what_was_asked_before_everything_is_deleted_is_deleted():
    asked_at = time.time()
    assert deletions.was_deleted("a", "c", since=asked_at) is False
    assert deletions.mark("a")
    assert deletions.was_deleted("a", "c", since=asked_at) is True
    assert deletions.was_deleted("a", "c", since=time.time() + 1) is False
    assert deletions.was_deleted("b", "c", since=asked_at) is False


def test_the_deletion_of_one_conversation_is_no_deletion_of_another():
    asked_at = time.time()
    assert deletions.mark("a", "c")
    assert deletions.was_deleted("a", "c", since=asked_at) is True
    assert deletions.was_deleted("a", "d", since=asked_at) is False
    assert deletions.was_deleted("b", "c", since=asked_at) is False


def test_a_deletion_within_a_millisecond_after_the_question_is_seen():
    """Redis counts the lifetime of its mark in whole milliseconds."""
    for number in range(300):
        asked_at = time.time()
        deletions.mark("a", str(number))
        assert deletions.was_deleted("a", str(number), since=asked_at)


def test_nobody_knows_without_redis_or_once_the_mark_may_have_expired(monkeypatch):
    asked_at = time.time()
    assert deletions.was_deleted("a", "c", since=asked_at - FORGOTTEN_SECONDS) is None
    break_redis(monkeypatch)
    assert deletions.was_deleted("a", "c", since=asked_at) is None
    assert deletions.mark("a") is deletions.mark("a", "c") is False


def test_marks_expire_and_name_nobody():
    deletions.mark("person")
    deletions.mark("person", "noes-conversation")
    redis = get_redis_connection("default")
    keys = redis.keys("bff:deleted:*")
    assert len(keys) == 2
    assert all(0 < redis.ttl(key) <= FORGOTTEN_SECONDS for key in keys)
    assert not any(name in b" ".join(keys) for name in (b"person", b"noe"))
    assert len({key.partition(b"{")[2].partition(b"}")[0] for key in keys}) == 1  # one slot of a cluster
