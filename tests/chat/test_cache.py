"""The answer cache: whose answer may be given to whom, and what is never kept."""

from __future__ import annotations

import pytest
from django_redis import get_redis_connection
from hypothesis import given, settings
from hypothesis import strategies as st

from chat import cache
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


def test_passing_notices_are_not_kept():
    said = [Start(), Notice("status", "Nouvelle tentative", {}), Delta("a"), Finish("ai")]
    cache.keep("public:x", said, cost_ms=1)
    kept = cache.find("public:x")
    assert kept is not None
    assert [type(event) for event in kept.events] == [Start, Delta, Finish]


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


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=50), st.text(min_size=1, max_size=10), st.text(min_size=1, max_size=10), st.booleans())
def test_what_is_not_public_is_never_shared_between_two_people(text, one, other, by_history):
    apart = {"history": (Turn("user", "x"),)} if by_history else {"context": {"x": 1}}
    keys = {cache.key_of(question(text, caller, **apart), "v1") for caller in {one, other}}
    assert len(keys) == len({one, other})
    assert not any(key.startswith("public:") for key in keys)


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
    ],
)
def test_the_same_question_is_recognised_however_it_is_typed(one, other):
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(("one", "other"), [("péché", "pêche"), ("a t il", "atil"), ("10 %", "10")])
def test_questions_that_differ_in_meaning_stay_apart(one, other):
    assert normalise(one) != normalise(other)


def test_the_hit_rate_is_the_fleets_and_unknown_when_nobody_asked():
    rate = cache.HitRate()
    assert rate.current() is None
    for is_hit in (True, True, True, False):
        rate.count(is_hit)
    rate.flush()
    assert cache.HitRate().current() == 0.75
