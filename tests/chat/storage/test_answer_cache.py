"""The answer cache: stored answers, keys, lifetimes and scopes."""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
import time
from collections import Counter
from random import Random
from secrets import token_hex
from typing import Any

import pytest
from django_redis import get_redis_connection
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.core.events import Degraded, Delta, Event, Finish, Notice, Source, Start
from chat.core.question import Question, Turn, normalise
from chat.storage import answer_cache, answer_keys, fleet_counters
from chat.storage.answer_cache import CachedAnswer
from observability import metrics
from observability.outage import Outage
from observability.shared_redis import shared_redis
from tests.support.factories import cache_answer
from tests.support.processes import ROOT

COMPLETE: list[Event] = [Start(), Delta("Bonjour"), Source("1", "MDPH", "https://example.org"), Finish("ai")]


def question(text="Bonjour", caller="a", history=(), context=None, language="fr") -> Question:
    return Question(text, language, caller, history, context or {})


def key_of(question: Question, *, prompt_version: str = "p1", knowledge_version: str = "v1") -> str:
    return answer_keys.key_of(question, prompt_version=prompt_version, knowledge_version=knowledge_version)


def test_stored_answer_is_returned_unchanged():
    key = key_of(question())
    assert cache_answer(key, COMPLETE, cost_ms=10)
    cached = answer_cache.get(key)
    assert cached is not None
    assert cached.events == COMPLETE
    assert cached.is_fresh


def test_long_answer_is_compressed():
    key = key_of(question())
    cache_answer(key, [Start(), Delta("mot " * 5000), Finish("ai")], cost_ms=1)
    assert get_redis_connection("default").strlen(f"bff:answer:{{{key}}}") < 2000
    cached = answer_cache.get(key)
    assert cached is not None
    assert cached.events[1] == Delta("mot " * 5000)


@pytest.mark.parametrize(
    "answer",
    [
        [Start(), Delta("a")],
        [Start(), Delta("  "), Finish("ai")],
        [Start(), Notice("help", "Appelez le 15.", {}), Finish("ai")],
        [Start(), Delta(token_hex(100_000)), Finish("ai")],
        [Start(), Delta("a"), Finish("ai", ending="length")],
        [Start(), Delta("a"), Finish("ai", ending="interrupted", degraded=Degraded("interrupted"))],
        [Start(), Delta("a"), Finish("ai", ending="stopped")],
        [Start(), Delta("a"), Finish("knowledge", degraded=Degraded("timeout"))],
        [Start(), Delta("a"), Finish("fallback", degraded=Degraded("circuit_open"))],
        [Start(), Delta("a"), Finish("stale", degraded=Degraded("circuit_open"))],
    ],
)
def test_only_complete_answers_of_the_ai_are_stored(answer):
    assert not cache_answer("public:x", answer, cost_ms=1)
    assert answer_cache.get("public:x") is None


def test_notices_are_not_stored():
    answer: list[Event] = [
        Start(),
        Notice("help", "Appelez", {}),
        Notice("status", "Nouvelle tentative", {}),
        Delta("a"),
        Finish("ai"),
    ]
    cache_answer("public:x", answer, cost_ms=1)
    cached = answer_cache.get("public:x")
    assert cached is not None
    assert [type(event) for event in cached.events] == [Start, Delta, Finish]


LIFETIMES = """
import django; django.setup()
from django.conf import settings
from chat.documents.reader_places import PLACE_TIMEOUT_SECONDS
from chat.history.late_writes import LATE_WRITE_SECONDS
from chat.storage.answer_cache import FORGOTTEN_SECONDS
answer = max(settings.AI_DEADLINE_CHAT, settings.AI_DEADLINE_ANALYZE)
longest = PLACE_TIMEOUT_SECONDS + settings.DOCUMENT_TIMEOUT_SECONDS + answer + LATE_WRITE_SECONDS
print(LATE_WRITE_SECONDS, FORGOTTEN_SECONDS > longest)
"""


@pytest.mark.parametrize("seconds", ["5", "60", "300"])
def test_a_late_write_has_a_minute_and_the_mark_of_a_deletion_outlives_it_whatever_the_deadline_of_the_ai(seconds):
    env = {**os.environ, "AI_DEADLINE_CHAT": seconds, "AI_DEADLINE_ANALYZE": seconds}
    command = [sys.executable, "-c", LIFETIMES]
    told = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=True).stdout
    assert told.split() == ["60", "True"]


def test_forget_deletes_all_private_answers_of_one_caller_and_no_others():
    keys = [key_of(question(f"Question {n}", "a", (Turn("user", "x"),))) for n in range(3)]
    others = [
        key_of(question("Question 0", "b", (Turn("user", "x"),))),
        key_of(question()),
    ]
    for key in (*keys, *others):
        cache_answer(key, COMPLETE, cost_ms=1)
    assert answer_cache.forget("a") == 3
    assert [answer_cache.get(key) is not None for key in (*keys, *others)] == [False, False, False, True, True]
    assert answer_cache.forget("a") == 0
    assert not get_redis_connection("default").keys(f"bff:answers-of:{{{answer_keys.private_scope('a')}}}")


def test_index_of_private_answers_drops_expired_keys(settings):
    index = f"bff:answers-of:{{{answer_keys.private_scope('a')}}}"
    get_redis_connection("default").zadd(index, {"long ago": 1})
    cache_answer(key := key_of(question(history=(Turn("user", "x"),))), COMPLETE, cost_ms=1)
    assert get_redis_connection("default").zrange(index, 0, -1) == [key.encode()]


def test_index_of_private_answers_outlives_the_longest_of_them(settings):
    index = f"bff:answers-of:{{{answer_keys.private_scope('a')}}}"
    settings.CACHE_TTL_ANSWER, settings.CACHE_TTL_STALE = 10_000, 20_000
    cache_answer(key_of(question("Question 0", "a", (Turn("user", "x"),))), COMPLETE, cost_ms=1)
    longest = get_redis_connection("default").ttl(index)
    settings.CACHE_TTL_ANSWER, settings.CACHE_TTL_STALE = 10, 20
    cache_answer(key_of(question("Question 1", "a", (Turn("user", "x"),))), COMPLETE, cost_ms=1)
    assert longest - 60 < get_redis_connection("default").ttl(index) <= longest
    assert answer_cache.forget("a") == 2


def test_lifetimes_follow_the_settings_with_ten_percent_jitter(settings):
    settings.CACHE_TTL_ANSWER, settings.CACHE_TTL_WARM, settings.CACHE_TTL_STALE = 1000, 5000, 20_000
    for warm, fresh in ((False, 1000), (True, 5000)):
        lifetimes = [_lifetimes(warm) for _ in range(50)]
        assert all(0.89 * fresh < fresh_seconds < 1.11 * fresh for fresh_seconds, _ in lifetimes)
        assert max(lifetimes)[0] - min(lifetimes)[0] > 0.1 * fresh
        assert all(20_000 + seconds - 2 <= ttl <= 20_001 + seconds for seconds, ttl in lifetimes)


def _lifetimes(warm: bool) -> tuple[float, int]:
    """Seconds for which an answer stored now is fresh, and its Redis TTL."""
    cache_answer("public:x", COMPLETE, cost_ms=1, warm=warm)
    cached = answer_cache.get("public:x")
    assert cached is not None
    return cached.fresh_until - cached.created, get_redis_connection("default").ttl("bff:answer:{public:x}")


def test_probability_of_early_renewal_grows_towards_expiry_and_with_cost(monkeypatch):
    monkeypatch.setattr(random, "random", Random(1).random)

    def share_renewed(seconds_left: float, cost: float) -> float:
        cached = CachedAnswer([], created=time.time() - 100, fresh_until=time.time() + seconds_left, cost=cost)
        return sum(cached.should_be_renewed() for _ in range(2000)) / 2000

    assert share_renewed(seconds_left=3600, cost=3) == 0
    assert share_renewed(seconds_left=6, cost=3) == pytest.approx(math.exp(-2), abs=0.03)
    assert share_renewed(seconds_left=6, cost=12) == pytest.approx(math.exp(-0.5), abs=0.03)
    assert share_renewed(seconds_left=-0.1, cost=0) == 1


@pytest.mark.parametrize("data", [b"", b"x", b"zzz", b"j[]\n[]", b"j[99,0,0,0]\n[]", b'j[1,0,0,0]\n[["q",{}]]'])
def test_unreadable_entry_is_a_miss(data):
    get_redis_connection("default").set("bff:answer:{public:x}", data)
    assert answer_cache.get("public:x") is None


def test_key_depends_on_everything_that_may_change_the_answer(settings):
    key = key_of(question())
    others = [
        key_of(question("Bonsoir")),
        key_of(question(language="en")),
        key_of(question(), knowledge_version="v2"),
        key_of(question(), prompt_version="p2"),
        key_of(question(history=(Turn("user", "x"),))),
        key_of(question(context={"age": 7})),
    ]
    settings.AI_SERVICE_MODEL = "another"
    others.append(key_of(question()))
    assert len({key, *others}) == 8


WORDS = st.text(max_size=10)
HISTORIES = st.builds(lambda text: {"history": (Turn("user", text),)}, WORDS)
CONTEXTS = st.builds(lambda name, value: {"context": {name: value}}, WORDS, st.integers(-(2**53), 2**53) | WORDS)


@settings(max_examples=300, deadline=None)
@given(WORDS, WORDS, WORDS, HISTORIES | CONTEXTS)
def test_history_or_context_makes_the_key_private(text, one, other, extra):
    check_that_keys_differ(text, one, other, extra)


def test_history_or_context_makes_the_key_private_for_10_000_random_questions():
    """Many plain examples: Hypothesis finds better ones, but takes a hundred times as long for each."""
    random = Random(1)

    def words() -> str:
        return "".join(random.choices("aéœ Bç'’?1\n\u0301\u202f🙂", k=random.randrange(6)))

    for _ in range(10_000):
        extra: dict[str, Any] = random.choice(
            [{"history": (Turn("user", words()),)}, {"context": {words(): random.choice([words(), 7])}}]
        )
        check_that_keys_differ(words(), words(), words(), extra)


def check_that_keys_differ(text: str, one: str, other: str, extra: dict[str, Any]) -> None:
    """With history or context (`extra`) a key differs from those of other callers, and from the one without."""
    private = key_of(question(text, one, **extra))
    private_of_other = key_of(question(text, other, **extra))
    public = key_of(question(text, other))
    assert answer_keys.is_shared(public)
    assert not answer_keys.is_shared(private)
    assert private != public
    assert (private == private_of_other) == (one == other)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(categories=["L"]), min_size=8, max_size=50), st.text(min_size=8, max_size=20))
def test_keys_reveal_neither_text_nor_caller(text, caller):
    key = key_of(question(text, caller, history=(Turn("user", text),)))
    assert text not in key
    assert caller not in key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bonjour", "  BONJOUR "),
        ("Qu'est-ce que la MDPH ?", "qu’est-ce que  la mdph"),
        ("merci !", "Merci…"),
        ("AEEH\u00a0?", "aeeh"),
        ("Et ma sœur, ça compte ?!", "et ma soeur, ca compte"),
        ("C‘est quoi l`AESH –", "c'est quoi l'aesh -"),
        ("e\u0301cole", "École :"),
    ],
)
def test_different_spellings_of_a_question_are_equal(one, other):
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("péché", "pêche"), ("il a", "il à"), ("a t il", "atil"), ("10 %", "10"), ("80 %, 50", "80 % 50")],
)
def test_questions_that_differ_in_meaning_differ(one, other):
    assert normalise(one) != normalise(other)


@pytest.mark.parametrize(("is_confirmed", "expected"), [(False, "bypass"), (True, "error")])
def test_a_lookup_without_redis_is_an_error_only_once_its_outage_is_confirmed(monkeypatch, is_confirmed, expected):
    away = Outage("redis", pytest.fail)
    monkeypatch.setattr(away, "_watch", lambda *_: None)  # the probe has not answered yet
    monkeypatch.setattr(shared_redis, "outage", away)
    (away.begin if is_confirmed else away.suspect)(TimeoutError())
    before = lookups()
    answer_cache.count_lookup(None)
    assert lookups() - before == {expected: 1}


def lookups() -> Counter[str]:
    """The number of lookups by result, as in the metrics."""
    (metric,) = metrics.CACHE_REQUESTS.collect()
    return Counter({sample.labels["result"]: int(sample.value) for sample in metric.samples})


def test_lookups_without_redis_are_not_part_of_the_hit_rate(monkeypatch):
    away = Outage("redis", pytest.fail)
    monkeypatch.setattr(away, "_watch", lambda *_: None)
    with monkeypatch.context() as patch:
        patch.setattr(shared_redis, "outage", away)
        away.suspect(TimeoutError())
        answer_cache.count_lookup(None)
    assert fleet_counters.hit_rate() is None
