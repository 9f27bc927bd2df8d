"""The answer cache: whose answer may be given to whom, and what is never kept."""

from __future__ import annotations

import math
import time
from random import Random
from secrets import token_hex
from typing import Any

import pytest
from django_redis import get_redis_connection
from hypothesis import given, settings
from hypothesis import strategies as st

from chat import cache, hit_rate, minutes
from chat.cache import Kept
from chat.events import Degraded, Delta, Finish, Notice, Source, Start
from chat.questions import Question, Turn, normalise

COMPLETE = [Start("m"), Delta("Bonjour"), Source("1", "MDPH", "https://example.org"), Finish("ai")]


def question(text="Bonjour", caller="a", history=(), context=None, language="fr") -> Question:
    return Question(text, language, caller, history, context or {})


def test_a_kept_answer_is_found_as_it_was():
    key = cache.key_of(question(), "v1")
    assert cache.keep(key, COMPLETE, cost_ms=10)
    kept = cache.find(key)
    assert kept is not None
    assert kept.events == COMPLETE
    assert kept.is_fresh


def test_a_long_answer_is_compressed():
    key = cache.key_of(question(), "v1")
    cache.keep(key, [Start(), Delta("mot " * 5000), Finish("ai")], cost_ms=1)
    assert get_redis_connection("default").strlen(f"bff:answer:{key}") < 2000
    kept = cache.find(key)
    assert kept is not None
    assert kept.events[1] == Delta("mot " * 5000)


@pytest.mark.parametrize(
    "said",
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
def test_what_is_not_a_whole_answer_of_the_ai_is_not_kept(said):
    assert not cache.keep("public:x", said, cost_ms=1)
    assert cache.find("public:x") is None


def test_what_we_said_beside_the_answer_is_not_kept():
    said = [
        Start(),
        Notice("help", "Appelez", {}),
        Notice("status", "Nouvelle tentative", {}),
        Delta("a"),
        Finish("ai"),
    ]
    cache.keep("public:x", said, cost_ms=1)
    kept = cache.find("public:x")
    assert kept is not None
    assert [type(event) for event in kept.events] == [Start, Delta, Finish]


def test_all_that_is_kept_for_one_person_can_be_forgotten_and_nothing_else():
    keys = [cache.key_of(question(f"Question {n}", "a", (Turn("user", "x"),)), "v1") for n in range(3)]
    others = [cache.key_of(question("Question 0", "b", (Turn("user", "x"),)), "v1"), cache.key_of(question(), "v1")]
    for key in (*keys, *others):
        cache.keep(key, COMPLETE, cost_ms=1)
    assert cache.forget("a") == 3
    assert [cache.look(key) is not None for key in (*keys, *others)] == [False, False, False, True, True]
    assert cache.forget("a") == 0
    assert not get_redis_connection("default").keys(f"bff:answers-of:{cache.owner_of('a')}")


def test_the_list_of_ones_own_answers_loses_what_has_expired(settings):
    index = f"bff:answers-of:{cache.owner_of('a')}"
    get_redis_connection("default").zadd(index, {"long ago": 1})
    cache.keep(key := cache.key_of(question(history=(Turn("user", "x"),)), "v1"), COMPLETE, cost_ms=1)
    assert get_redis_connection("default").zrange(index, 0, -1) == [key.encode()]


def test_every_lifetime_is_that_of_its_kind_spread_by_a_tenth(settings):
    settings.CACHE_TTL_ANSWER, settings.CACHE_TTL_WARM, settings.CACHE_TTL_STALE = 1000, 5000, 20_000
    for warm, fresh in ((False, 1000), (True, 5000)):
        lifetimes = [_lifetimes(warm) for _ in range(50)]
        assert all(0.89 * fresh < fresh_for < 1.11 * fresh for fresh_for, _ in lifetimes)
        assert max(lifetimes)[0] - min(lifetimes)[0] > 0.1 * fresh
        assert all(20_000 + fresh_for - 2 <= in_all <= 20_001 + fresh_for for fresh_for, in_all in lifetimes)


def _lifetimes(warm: bool) -> tuple[float, int]:
    """For how many seconds an answer kept now is fresh, and found at all."""
    cache.keep("public:x", COMPLETE, cost_ms=1, warm=warm)
    kept = cache.look("public:x")
    assert kept is not None
    return kept.fresh_until - kept.created, get_redis_connection("default").ttl("bff:answer:public:x")


def test_an_answer_is_renewed_early_seldom_and_sooner_the_longer_it_took(monkeypatch):
    monkeypatch.setattr(cache.random, "random", Random(1).random)

    def share_renewed(seconds_left: float, cost: float) -> float:
        kept = Kept([], created=time.time() - 100, fresh_until=time.time() + seconds_left, cost=cost)
        return sum(kept.should_be_renewed() for _ in range(2000)) / 2000

    assert share_renewed(seconds_left=3600, cost=3) == 0
    assert share_renewed(seconds_left=6, cost=3) == pytest.approx(math.exp(-2), abs=0.03)
    assert share_renewed(seconds_left=6, cost=12) == pytest.approx(math.exp(-0.5), abs=0.03)
    assert share_renewed(seconds_left=-0.1, cost=0) == 1


@pytest.mark.parametrize("rubbish", [b"", b"x", b"zzz", b"j[]\n[]", b"j[99,0,0,0]\n[]", b'j[1,0,0,0]\n[["q",{}]]'])
def test_an_unreadable_entry_is_as_good_as_none(rubbish):
    get_redis_connection("default").set("bff:answer:public:x", rubbish)
    assert cache.find("public:x") is None


def test_everything_that_may_change_the_answer_changes_the_key(settings):
    here = cache.key_of(question(), "v1")
    others = [
        cache.key_of(question("Bonsoir"), "v1"),
        cache.key_of(question(language="en"), "v1"),
        cache.key_of(question(), "v2"),
        cache.key_of(question(history=(Turn("user", "x"),)), "v1"),
        cache.key_of(question(context={"age": 7}), "v1"),
    ]
    settings.AI_SERVICE_MODEL = "another"
    others.append(cache.key_of(question(), "v1"))
    assert len({here, *others}) == 7


WORDS = st.text(max_size=10)
PASTS = st.builds(lambda said: {"history": (Turn("user", said),)}, WORDS)
CONTEXTS = st.builds(lambda name, fact: {"context": {name: fact}}, WORDS, st.integers(-(2**53), 2**53) | WORDS)


@settings(max_examples=300, deadline=None)
@given(WORDS, WORDS, WORDS, PASTS | CONTEXTS)
def test_the_same_words_with_and_without_a_past_are_never_the_same_entry(text, one, other, known):
    never_meet(text, one, other, known)


def test_ten_thousand_random_pairs_never_meet_either():
    """Many where Hypothesis' are few and cunning: it takes a hundred times as long for each."""
    random = Random(1)

    def words() -> str:
        return "".join(random.choices("aéœ Bç'’?1\n\u0301\u202f🙂", k=random.randrange(6)))

    for _ in range(10_000):
        known = random.choice(
            [{"history": (Turn("user", words()),)}, {"context": {words(): random.choice([words(), 7])}}]
        )
        never_meet(words(), words(), words(), known)


def never_meet(text: str, one: str, other: str, known: dict[str, Any]) -> None:
    """What one person is told who has a past is given neither to another nor to anybody without one."""
    with_past = cache.key_of(question(text, one, **known), "v1")
    with_past_of_other = cache.key_of(question(text, other, **known), "v1")
    without = cache.key_of(question(text, other), "v1")
    assert cache.is_shared(without)
    assert not cache.is_shared(with_past)
    assert with_past != without
    assert (with_past == with_past_of_other) == (one == other)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(categories=["L"]), min_size=8, max_size=50), st.text(min_size=8, max_size=20))
def test_neither_words_nor_caller_can_be_read_from_a_key(text, caller):
    key = cache.key_of(question(text, caller, history=(Turn("user", text),)), "v1")
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
def test_the_same_question_is_recognised_however_it_is_typed(one, other):
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("péché", "pêche"), ("il a", "il à"), ("a t il", "atil"), ("10 %", "10"), ("80 %, 50", "80 % 50")],
)
def test_questions_that_differ_in_meaning_stay_apart(one, other):
    assert normalise(one) != normalise(other)


def test_the_hit_rate_is_the_fleets_and_unknown_when_nobody_asked():
    assert hit_rate.current() is None
    another_process = minutes.Counts()
    another_process.add("hit", "lookup", "hit", "lookup", "hit", "lookup", "lookup")
    hit_rate.count(False)
    another_process.flush()
    assert hit_rate.current() == 0.6
