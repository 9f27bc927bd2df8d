"""Whoever shares an answer has asked the AI the same thing, to the letter."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

import pytest

from chat.core.question import Question, normalise
from chat.storage import answer_keys
from chat.upstream import prompts
from tests.support.fake_upstream import Serve, stream_response

PIECES = [
    *"aeéœBÇç5²⁰₂①½ \u00a0\u202f\n'’`-–!?.,;:…%€+/",
    "ﬁ", "Ａ", "𝐁", "e\u0301", "İ", "ß", "AEEH", "!!!!", "?" * 50, "\u200b", "🙂", "5⁰", "Ⅳ", "№", "\u0345\u0301",
]  # fmt: skip


def test_10_000_random_pairs_with_the_same_key_send_the_ai_the_same_text():
    random = Random(20)
    by_key: dict[str, Question] = {}
    pairs = 0
    while pairs < 10_000:
        question = Question(_variant(random), "fr", random.choice(["one", "other"]))
        key = answer_keys.key_of(question, prompt_version="p", knowledge_version="k")
        if (first := by_key.setdefault(key, question)).text != question.text:
            pairs += 1
            assert prompts.for_chat(question, ()) == prompts.for_chat(first, ())
            assert prompts.for_rag(question).text == prompts.for_rag(first).text


def _variant(random: Random) -> str:
    """One of some short questions, spelt in any of many ways."""
    spell: list[Callable[[str], str]] = [
        str,
        str.upper,
        str.title,
        lambda text: text.replace(" ", "\u00a0  "),
        lambda text: f" {text}",
    ]
    text = "".join(random.choices(PIECES, k=random.randrange(1, 4)))
    return random.choice(spell)(text) + random.choice(["", " ?", "!" * random.randrange(40), "...", "…", " :"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("protocol", ["openai", "rag"])
def test_what_the_key_leaves_out_is_not_sent(visitor, serve: Serve, settings, protocol):
    settings.AI_SERVICE_PROTOCOL = protocol
    upstream = serve(stream_response("Oui."))
    visitor.ask("  𝐐U'EST-CE  qu'un ＳＥＳＳＡＤ " + "!" * 150)
    sent = json.loads(upstream.requests[0].partition(b"\r\n\r\n")[2])
    text = sent["message"] if protocol == "rag" else sent["messages"][-1]["content"]
    assert text == "qu'est-ce qu'un sessad"


@pytest.mark.django_db(transaction=True)
def test_a_long_first_message_is_sent_as_it_is_and_shares_no_answer_with_a_short_one(visitor, serve: Serve):
    upstream = serve(stream_response("Oui."))
    letter = "Bonjour,\n\nJe suis la maman de Lucas.\n" + "Il a 5 ans. " * 20
    visitor.ask(letter)
    sent = json.loads(upstream.requests[0].partition(b"\r\n\r\n")[2])
    assert sent["messages"][-1]["content"] == letter.strip()
    visitor.ask("Qu'est-ce que la CAF" + "!" * 3000)
    assert visitor.ask("Qu'est-ce que la CAF").json()["origin"] == "ai"


@pytest.mark.django_db(transaction=True)
def test_in_a_conversation_the_ai_gets_the_persons_own_words(visitor, serve: Serve):
    upstream = serve(stream_response("Oui."))
    conversation = visitor.ask("Bonjour").json()["conversationId"]
    visitor.ask("Et pour Lucas ?", conversationId=conversation)
    sent = json.loads(upstream.requests[1].partition(b"\r\n\r\n")[2])
    assert sent["messages"][-1]["content"] == "Et pour Lucas ?"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5⁰", "50"), ("10²", "102"), ("4①", "41"), ("H₂O", "H2O"), ("1½", "11/2"), ("1½", "112"), ("m²", "m2"),
        (".5 %", "5 %"), ("🙂", "🙁"),
    ],
)  # fmt: skip
def test_what_carries_meaning_is_kept(one, other):
    assert normalise(one) != normalise(other)


@pytest.mark.parametrize("text", ["?", "!!!", "  … "])
def test_a_question_of_signs_alone_is_not_empty(text):
    assert normalise(text)


def test_runs_of_signs_are_bounded():
    assert normalise("a" + "!" * 3000 + "b" + "-" * 3000 + "c") == "a!!!b---c"
