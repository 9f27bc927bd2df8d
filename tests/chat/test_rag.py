from __future__ import annotations

import json
from contextlib import closing, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.events import Delta, Finish, Source
from chat.questions import Question, Turn
from chat.upstream import rag
from chat.upstream.exchange import CallError, ProtocolError
from tests.chat.session_parts import a_session, said

QUESTION = Question(
    text="Et pour la PCH ?",
    language="fr",
    caller_id="user-4711",
    history=(Turn("user", "Bonjour"), Turn("assistant", "Bonjour.")),
    context={"department": "75"},
)


def read(reply: Any) -> list[Any]:
    return list(rag.read_answer(iter([json.dumps(reply).encode()])))


def test_a_question_is_sent_with_its_conversation():
    exchange = rag.chat(QUESTION)
    body = json.loads(exchange.body)
    assert (exchange.operation, exchange.path, exchange.language) == ("chat", "/api/chat/send", "fr")
    assert body.pop("user_id")
    assert body == {
        "message": "Et pour la PCH ?",
        "conversation_history": [
            {"role": "user", "content": "Bonjour"},
            {"role": "assistant", "content": "Bonjour."},
        ],
        "user_context": {"department": "75"},
    }


def test_the_service_knows_a_person_by_a_lasting_pseudonym_alone(settings):
    def sent_for(caller: str) -> Any:
        return json.loads(rag.chat(Question("Bonjour", "fr", caller)).body)["user_id"]

    pseudonym = sent_for("user-4711")
    assert "4711" not in pseudonym
    assert sent_for("user-4711") == pseudonym
    assert sent_for("user-4712") != pseudonym
    settings.SECRET_KEY = "another" * 10
    assert sent_for("user-4711") != pseudonym


@pytest.mark.parametrize("name", ["answer", "response"])
def test_a_reply_becomes_text_sources_and_suggestions(name):
    reply = {
        name: "Voici.",
        "conversation_id": "c1",
        "sources": [{"title": "Service-Public", "url": "https://www.service-public.fr/x"}, {"url": "http://caf.fr"}],
        "suggestions": ["Et après ?"],
        "processing_time": 0.4,
    }
    assert read(reply) == [
        Delta("Voici."),
        Source("1", "Service-Public", "https://www.service-public.fr/x"),
        Source("2", "http://caf.fr", "http://caf.fr"),
        Finish("ai", suggestions=("Et après ?",)),
    ]


@pytest.mark.parametrize("missing", [{}, {"sources": None, "suggestions": None}])
def test_sources_and_suggestions_may_be_missing(missing):
    assert read({"answer": "Voici."} | missing) == [Delta("Voici."), Finish("ai")]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://a b", "", None])
def test_a_source_that_is_no_web_address_is_left_out(url):
    assert read({"answer": "Voici.", "sources": [{"title": "x", "url": url}]}) == [Delta("Voici."), Finish("ai")]


@pytest.mark.parametrize(
    "reply",
    [
        [],
        {},
        {"answer": None},
        {"answer": 7},
        {"answer": ["a"]},
        {"answer": "a", "sources": "none"},
        {"answer": "a", "sources": ["https://caf.fr"]},
        {"answer": "a", "sources": [{"title": 1, "url": "https://caf.fr"}]},
        {"answer": "a", "sources": [{"title": "t", "url": 1}]},
        {"answer": "a", "suggestions": "none"},
        {"answer": "a", "suggestions": [{}]},
    ],
)
def test_a_reply_of_wrong_types_is_refused_before_a_word_of_it_is_said(reply):
    reader = rag.read_answer(iter([json.dumps(reply).encode()]))
    with pytest.raises(ProtocolError):
        next(reader)


@pytest.mark.parametrize(("body", "code"), [(b"<html>", "not_json"), (b'"' + b"a" * 2_000_000, "too_large")])
def test_a_reply_that_is_no_json_or_far_too_long_is_refused(body, code):
    with pytest.raises(ProtocolError) as refused:
        list(rag.read_answer(iter([body])))
    assert refused.value.code == code


@given(
    st.dictionaries(
        st.sampled_from(["answer", "response", "sources", "suggestions", "analysis"]),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=4),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["title", "url"]), inner),
        ),
    )
)
def test_no_json_does_worse_than_an_error_of_ours(reply):
    for read_reply in (rag.read_answer, rag.read_analysis):
        with suppress(CallError):
            list(read_reply(iter([json.dumps(reply).encode()])))


def test_a_document_is_sent_with_its_kind_and_name():
    exchange = rag.analysis("Madame, …", "mdph", "courrier.pdf", "fr")
    assert (exchange.operation, exchange.path) == ("analyze", "/api/chat/analyze-document")
    assert json.loads(exchange.body) == {"document": "Madame, …", "documentType": "mdph", "fileName": "courrier.pdf"}


def test_an_analysis_becomes_text_and_suggestions():
    reply = json.dumps({"analysis": "C'est une notification.", "suggestions": ["Que faire ?"]}).encode()
    assert list(rag.read_analysis(iter([reply[:9], reply[9:]]))) == [
        Delta("C'est une notification."),
        Finish("ai", suggestions=("Que faire ?",)),
    ]


@pytest.mark.parametrize(
    "exchange", [rag.chat(QUESTION), rag.analysis("Avant le 3 mars 2026, renvoyez ce dossier.", "mdph", "a.pdf", "fr")]
)
def test_the_stand_in_answers_this_protocol(exchange):
    with closing(a_session().perform(exchange)) as answering:
        events = list(answering)
    assert said(events)
    assert isinstance(events[-1], Finish)
