from __future__ import annotations

import base64
import json
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.core.events import Degraded, Delta, Finish, Source
from chat.core.question import Question, Turn
from chat.upstream import compose, service
from chat.upstream.protocols import rag
from chat.upstream.request import CallError, ProtocolError
from tests.support.fake_upstream import joined_text, make_session

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
    request = rag.chat(QUESTION, QUESTION.caller_id)
    body = json.loads(request.body)
    assert (request.operation, request.path, request.language) == ("chat", "/api/chat/send", "fr")
    assert body.pop("user_id")
    assert body == {
        "message": "Et pour la PCH ?",
        "conversation_history": [
            {"role": "user", "content": "Bonjour"},
            {"role": "assistant", "content": "Bonjour."},
        ],
        "user_context": {"department": "75"},
    }


def user_id_for(question: Question) -> Any:
    request, _ = compose.chat(service.configured()[0], question, (), "")
    return json.loads(request.body)["user_id"]


def test_the_service_gets_a_stable_pseudonym_instead_of_the_caller_id(settings):
    settings.AI_SERVICE_PROTOCOL = "rag"
    asked = Question("Bonjour", "fr", "user-4711", context={"age": 7})
    pseudonym = user_id_for(asked)
    assert "4711" not in pseudonym
    assert user_id_for(asked) == pseudonym
    assert user_id_for(replace(asked, caller_id="user-4712")) != pseudonym
    settings.SECRET_KEY = "another" * 10
    assert user_id_for(asked) != pseudonym


def test_a_question_whose_answer_all_may_share_comes_from_nobody(settings):
    settings.AI_SERVICE_PROTOCOL = "rag"
    ids = {user_id_for(Question("Bonjour", "fr", caller)) for caller in ("", "user-4711", "user-4712")}
    assert len(ids) == 1
    assert all(ids)


@pytest.mark.parametrize(
    "private",
    [
        {
            "history": (Turn("user", "Mon fils Tom a frappé sa maîtresse."),)
        },  # goes into the message: no history is left
        {"caller_token": "eyJ"},  # the second service does not get it
    ],
)
def test_a_private_question_keeps_its_pseudonym_when_what_makes_it_private_is_not_sent(settings, private):
    settings.AI_SERVICE_PROTOCOL = "rag"
    primary = service.configured()[0]
    question = Question("Et maintenant ?", "fr", "user-4711", **private)
    request, _ = compose.chat(replace(primary, role="fallback"), question, (), "")
    assert json.loads(request.body)["user_id"] == user_id_for(replace(question, context={"age": 7}))


@pytest.mark.parametrize("name", ["answer", "response"])
def test_a_reply_is_decoded_to_text_sources_and_suggestions(name):
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


def test_several_citations_in_one_bracket_are_separate_ones():
    reply = {"answer": "Oui [1, 2], de [3, 18] ans.", "sources": ["Guide", "Caf"]}
    assert read(reply)[0] == Delta("Oui [1][2], de [3, 18] ans.")


@pytest.mark.parametrize("missing", [{}, {"sources": None, "suggestions": None}])
def test_sources_and_suggestions_may_be_missing(missing):
    assert read({"answer": "Voici."} | missing) == [Delta("Voici."), Finish("ai")]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://a b", "", None, 7]
)
def test_a_source_without_an_http_url_is_shown_without_a_link(url):
    reply = {"answer": "Voici.", "sources": [{"title": "Guide", "url": url}]}
    assert read(reply) == [Delta("Voici."), Source("1", "Guide", ""), Finish("ai")]


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["Guide de la MDPH", "Fiche PCH"], [Source("1", "Guide de la MDPH", ""), Source("2", "Fiche PCH", "")]),
        (["https://caf.fr/aeeh"], [Source("1", "https://caf.fr/aeeh", "https://caf.fr/aeeh")]),
        (["", {}, None, 7, ["a"], "Fiche PCH"], [Source("6", "Fiche PCH", "")]),
        ([{"name": "Guide", "link": "https://caf.fr"}], [Source("1", "Guide", "https://caf.fr")]),
        ([{"title": 1, "url": "https://caf.fr"}], [Source("1", "https://caf.fr", "https://caf.fr")]),
        ([{"source": "Guide", "score": 0.4}], [Source("1", "Guide", "")]),
        ("Guide", [Source("1", "Guide", "")]),
        ({"title": "Guide"}, [Source("1", "Guide", "")]),
        (["Gui\0de\ud83d\ude00", " a\n\tb\ud800 "], [Source("1", "Guide😀", ""), Source("2", "a b\ufffd", "")]),
        (7, []),
    ],
)
def test_sources_are_titles_or_objects(sources, expected):
    assert read({"answer": "Voici.", "sources": sources}) == [Delta("Voici."), *expected, Finish("ai")]


@pytest.mark.parametrize(
    ("suggestions", "expected"),
    [
        (["Et\0 après ?\ud800", "", None, {}], ("Et après ?\ufffd",)),
        ([{"text": "Et après ?"}, {"question": "Comment ?"}], ("Et après ?", "Comment ?")),
        ("Et après ?", ("Et après ?",)),
        (7, ()),
    ],
)
def test_suggestions_are_texts_or_objects(suggestions, expected):
    assert read({"answer": "Voici.", "suggestions": suggestions})[-1] == Finish("ai", suggestions=expected)


def test_null_characters_and_halves_of_characters_are_cleaned_from_the_text():
    assert read({"answer": "a\0b\ud83d\ude00c\ud800"})[0] == Delta("ab😀c\ufffd")


@pytest.mark.parametrize("reply", [[], {}, {"answer": None}, {"answer": 7}, {"answer": ["a"]}, {"answer": " \0"}])
def test_a_reply_without_text_is_refused_before_its_first_event(reply):
    reader = rag.read_answer(iter([json.dumps(reply).encode()]))
    with pytest.raises(ProtocolError):
        next(reader)


@pytest.mark.parametrize("trouble", [{"error": "down"}, {"success": False}, {"status": "Error"}, {"status": 503}])
@pytest.mark.parametrize(("name", "read_reply"), [("answer", rag.read_answer), ("analysis", rag.read_analysis)])
def test_a_reply_that_reports_a_failure_is_one_whatever_its_http_status(trouble, name, read_reply):
    with pytest.raises(ProtocolError) as refused:
        list(read_reply(iter([json.dumps({name: "Désolé."} | trouble).encode()])))
    assert refused.value.code == "error_object"


@pytest.mark.parametrize("trouble", [{"degraded": True}, {"fallback": "yes"}, {"status": "partial"}, {"status": "hm"}])
@pytest.mark.parametrize(("name", "read_reply"), [("answer", rag.read_answer), ("analysis", rag.read_analysis)])
def test_an_answer_of_a_service_in_trouble_is_marked_as_degraded(trouble, name, read_reply):
    events = list(read_reply(iter([json.dumps({name: "Voici."} | trouble).encode()])))
    assert events == [Delta("Voici."), Finish("ai", degraded=Degraded("ai_error"))]


@pytest.mark.parametrize("health", [{"status": "success"}, {"status": 200}, {"status": None}, {"error": None}])
def test_an_answer_of_a_healthy_service_is_not_marked(health):
    assert read({"answer": "Voici."} | health)[-1] == Finish("ai")


@pytest.mark.parametrize(("body", "code"), [(b"<html>", "not_json"), (b'"' + b"a" * 2_000_000, "too_large")])
def test_a_reply_that_is_not_json_or_too_long_is_refused(body, code):
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
def test_any_json_raises_a_call_error_at_most(reply):
    for read_reply in (rag.read_answer, rag.read_analysis):
        with suppress(CallError):
            list(read_reply(iter([json.dumps(reply).encode()])))


def test_a_document_is_sent_as_base64_with_our_kind_beside_its_type():
    request = rag.analysis("Madame, …", "mdph", "courrier.pdf", "fr")
    assert (request.operation, request.path) == ("analyze", "/api/chat/analyze-document")
    body = json.loads(request.body)
    assert base64.b64decode(body.pop("document"), validate=True).decode() == "Madame, …"
    assert body == {"documentType": "text", "documentKind": "mdph", "fileName": "courrier.pdf"}


@pytest.mark.parametrize(
    "reply",
    [
        {"analysis": "Voici."},
        {"fullAnalysis": "Voici."},
        {"analysis": "court", "fullAnalysis": "Voici."},
        {"analysis": {"summary": "court", "fullAnalysis": "Voici."}},
        {"analysis": {"type": "letter"}, "summary": "Voici."},
    ],
)
def test_the_fullest_analysis_is_read(reply):
    assert next(rag.read_analysis(iter([json.dumps(reply).encode()]))) == Delta("Voici.")


def test_an_analysis_is_decoded_to_text_and_suggestions():
    reply = json.dumps({"analysis": "C'est une notification.", "suggestions": ["Que faire ?"]}).encode()
    assert list(rag.read_analysis(iter([reply[:9], reply[9:]]))) == [
        Delta("C'est une notification."),
        Finish("ai", suggestions=("Que faire ?",)),
    ]


@pytest.mark.parametrize(
    "upstream_request",
    [rag.chat(QUESTION, "me"), rag.analysis("Avant le 3 mars 2026, renvoyez ce dossier.", "mdph", "a.pdf", "fr")],
)
def test_the_stand_in_answers_this_protocol(upstream_request):
    with closing(make_session().stream(upstream_request)) as stream:
        events = list(stream)
    assert joined_text(events)
    assert isinstance(events[-1], Finish)
