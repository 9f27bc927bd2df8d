"""The AI SDK's own parsers, state machine and transport, in its current major version and the two before."""

from __future__ import annotations

import base64
import json

import pytest
import requests

from ai_service.control import StandIn
from tests.clients.conftest import Node
from tests.support.server import Server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["ai-v5", "ai-v6", "ai-v7"])
def sdk(request, node: Node, instances: tuple[Server, Server], token: str, conversation: str):
    """Runs a scenario of ai_sdk.mjs with a new caller and conversation."""

    def run(scenario: str, **options):
        here, there = (instance.url for instance in instances)
        common = {"url": here, "elsewhere": there, "token": token, "id": conversation}
        return node("ai_sdk.mjs", request.param)(**(common | {"scenario": scenario} | options))

    return run


def text_of(message) -> str:
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


def test_use_chat_shows_an_answer_with_its_sources_and_suggestions(sdk, ai: StandIn):
    received = sdk("ask", question="Comment demander l'AEEH pour mon enfant ?")
    question, answer = received["messages"]
    assert (received["status"], received["errors"]) == ("ready", [])
    assert (question["role"], answer["role"]) == ("user", "assistant")
    assert "AEEH" in text_of(answer)
    assert [part for part in answer["parts"] if part["type"] == "source-url"]
    assert answer["metadata"]["saved"] is True
    assert [part["type"] for part in received["data"]] == ["data-suggestions"]
    assert all(part.get("state", "done") == "done" for part in answer["parts"])


def test_read_ui_message_stream_yields_the_growing_answer(sdk, ai: StandIn):
    ai.pace(50)
    received = sdk("read", question="Qu'est-ce que la PCH ?")
    assert received["states"] > 5
    assert received["last"]["metadata"]["origin"] == "ai"
    assert text_of(received["last"])


def test_use_chat_reads_a_degraded_answer_with_a_notice(sdk, ai: StandIn):
    ai.fail("error", status=400)
    received = sdk("ask", question="Qu'est-ce que le GEVA-Sco ?")
    assert (received["status"], received["errors"]) == ("ready", [])
    assert text_of(received["messages"][1])
    notice = next(part["data"] for part in received["data"] if part["type"] == "data-notice")
    assert (notice["kind"], notice["reason"]) == ("degraded", "ai_rejected")


def test_use_chat_receives_the_status_of_a_retry(sdk, ai: StandIn):
    ai.fail("error", status=503, count=1)
    received = sdk("ask", question="Qu'est-ce qu'un PPS ?")
    assert received["data"][0]["type"] == "data-status"
    assert "Nouvelle tentative dans" in received["data"][0]["data"]["text"]
    assert not any(part["type"] == "data-status" for part in received["messages"][1]["parts"])  # it is transient
    assert received["messages"][1]["metadata"]["origin"] == "ai"


def test_use_chat_keeps_the_text_of_an_answer_cut_upstream(sdk, ai: StandIn):
    ai.fail("cut", after_tokens=3)
    received = sdk("ask", question="Comment faire appel d'une décision ?")
    assert (received["status"], received["errors"]) == ("ready", [])
    assert text_of(received["messages"][1])
    assert received["messages"][1]["metadata"]["ending"] == "interrupted"
    assert [part["data"]["kind"] for part in received["data"] if part["type"] == "data-notice"] == ["interrupted"]


def test_use_chat_resumes_on_another_instance_the_very_message_that_it_lost(sdk, ai: StandIn):
    ai.pace(40)
    received = sdk("resume", question="Comment préparer un dossier MDPH ?", after=5)
    assert received["errors"] == ["TypeError: network lost"]
    (question, answer), partial = received["messages"], received["partial"]
    assert question["role"] == "user"
    assert answer["id"] == partial["id"]
    assert 0 < len(text_of(partial)) < len(text_of(answer))
    assert text_of(answer).startswith(text_of(partial))
    assert (received["status"], answer["metadata"]["ending"]) == ("ready", "stop")
    assert ai.calls == 1


def test_use_chat_resumes_nothing_without_a_pending_answer(sdk, ai: StandIn):
    sdk("ask", question="Qu'est-ce que l'AESH ?")
    received = sdk("idle")
    assert (received["status"], received["messages"], received["errors"]) == ("ready", [], [])


def test_use_chat_learns_that_its_answer_was_stopped(sdk, ai: StandIn):
    ai.pace(10)
    received = sdk("stop", question="Comment trouver du répit ?")
    assert (received["status"], received["errors"]) == ("ready", [])
    assert received["messages"][1]["metadata"]["ending"] == "stopped"
    assert text_of(received["messages"][1])


def test_use_chat_replays_a_cached_answer_as_a_stream(sdk, ai: StandIn):
    first = sdk("read", question="Qu'est-ce que la CDAPH ?")
    again = sdk("read", question="Qu'est-ce que la CDAPH ?", id="another-conversation")
    assert again["last"]["metadata"]["origin"] == "cache"
    assert text_of(again["last"]) == text_of(first["last"])
    assert again["states"] > 3
    assert ai.calls == 1


@pytest.fixture
def stored(instances: tuple[Server, Server], token: str, conversation: str):
    """The texts of the stored conversation."""

    def read() -> list[str]:
        url = f"{instances[1].url}/api/chat/history"
        headers = {"Authorization": f"Bearer {token}"}
        page = requests.get(url, {"conversationId": conversation}, headers=headers, timeout=30).json()
        return [item["text"] for item in page["items"]]

    return read


QUESTIONS = ["Qu'est-ce que l'AAH ?", "Et pour les couples ?"]


@pytest.mark.parametrize("regenerate", [None, 3, 2], ids=["the last message", "its answer", "its question"])
def test_use_chat_regenerates_an_answer_in_place_of_the_last(sdk, ai: StandIn, stored, regenerate):
    received = sdk("revise", questions=QUESTIONS, steps=[{"regenerate": regenerate}])
    assert (received["status"], received["errors"]) == ("ready", [])
    assert stored() == [text_of(message) for message in received["messages"]]
    assert [message["role"] for message in received["messages"]] == ["user", "assistant"] * 2
    assert received["messages"][3]["id"] != received["asked"][3]
    assert received["messages"][3]["metadata"]["origin"] == "ai"
    assert ai.calls == 3


def test_use_chat_regenerates_the_first_of_several_answers(sdk, ai: StandIn, stored):
    received = sdk("revise", questions=QUESTIONS, steps=[{"regenerate": 1}])
    assert stored() == [text_of(message) for message in received["messages"]]
    assert len(received["messages"]) == 2


@pytest.mark.parametrize("position", [0, 2])
def test_use_chat_replaces_an_edited_question_and_all_that_followed(sdk, ai: StandIn, stored, position):
    received = sdk("revise", questions=QUESTIONS, steps=[{"edit": position, "text": "Qu'est-ce que la MVA ?"}])
    assert (received["status"], received["errors"]) == ("ready", [])
    assert stored() == [text_of(message) for message in received["messages"]]
    assert len(received["messages"]) == position + 2
    assert text_of(received["messages"][position]) == "Qu'est-ce que la MVA ?"


def test_use_chat_reopens_a_stored_conversation_and_regenerates_its_answer(sdk, ai: StandIn, stored):
    asked = sdk("ask", question="Qu'est-ce que l'AJPP ?")["messages"]
    received = sdk("reopen")
    assert [message["id"] for message in received["stored"]] == [message["id"] for message in asked]
    assert [text_of(message) for message in received["stored"]] == [text_of(message) for message in asked]
    kinds = [
        {part["type"] for part in message["parts"]} - {"step-start"} for message in (asked[1], received["stored"][1])
    ]
    assert kinds[0] == kinds[1]
    assert (received["status"], received["errors"]) == ("ready", [])
    assert stored() == [text_of(message) for message in received["messages"]]
    assert ai.calls == 2


def test_use_chat_regenerates_an_answer_that_it_stopped_reading(sdk, ai: StandIn, stored):
    ai.pace(20)
    received = sdk("stop_and_regenerate", question="Comment contester un taux ?")
    assert (received["status"], received["errors"]) == ("ready", [])
    assert received["messages"][1]["metadata"]["ending"] == "stop"
    assert stored() == [text_of(message) for message in received["messages"]]


def data_url(text: str) -> str:
    return "data:text/plain;base64," + base64.b64encode(text.encode()).decode()


LETTER = "Maison départementale des personnes handicapées. Décision du 3 mars 2026 : AEEH accordée, 153,01 euros."


def test_use_chat_sends_a_file_that_is_read_as_a_document(sdk, ai: StandIn, stored):
    received = sdk("attach", question="Que dit ce courrier ?", files=[{"url": data_url(LETTER), "filename": "a.txt"}])
    assert (received["status"], received["errors"]) == ("ready", [])
    facts = next(part["data"] for part in received["data"] if part["type"] == "data-facts")
    assert facts["dates"][0]["iso"] == "2026-03-03"
    assert text_of(received["messages"][1])
    assert [part["data"]["kind"] for part in received["data"] if part["type"] == "data-notice"] == ["partial"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([{"url": "https://example.org/letter.pdf"}], "Envoyez le fichier lui-même"),
        ([{"url": "blob:https://example.org/1"}], "Envoyez le fichier lui-même"),
        ([{"url": "data:application/pdf;base64,####"}], "Envoyez le fichier lui-même"),
        ([{"url": data_url(LETTER)}] * 2, "Un document à la fois"),
    ],
)
def test_use_chat_gets_the_reason_why_a_file_is_not_read_in_words(sdk, ai: StandIn, files, words):
    received = sdk("attach", question="Que dit ce courrier ?", files=files)
    assert received["status"] == "error"
    error = received["errors"][0]  # the class of the error, which differs between versions, and the body
    problem = json.loads(error[error.index("{") :])
    assert words in problem["error"]["message"]
    assert ai.calls == 0
