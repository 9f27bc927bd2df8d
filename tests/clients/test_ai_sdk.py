"""The AI SDK's own parsers, state machine and transport, in its current major version and the two before."""

from __future__ import annotations

import pytest

from ai_service.control import StandIn
from tests.clients.conftest import Node
from tests.server import Server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["ai-v5", "ai-v6", "ai-v7"])
def sdk(request, node: Node, instances: tuple[Server, Server], token: str, conversation: str):
    """Plays a scenario of ai_sdk.mjs as a person with a conversation of their own."""

    def play(scenario: str, **options):
        here, there = (instance.url for instance in instances)
        who = {"url": here, "elsewhere": there, "token": token, "id": conversation}
        return node("ai_sdk.mjs", request.param, **(who | {"scenario": scenario} | options))

    return play


def text_of(message) -> str:
    return "".join(part["text"] for part in message["parts"] if part["type"] == "text")


def test_use_chat_shows_an_answer_with_its_sources_and_suggestions(sdk, ai: StandIn):
    heard = sdk("ask", question="Comment demander l'AEEH pour mon enfant ?")
    question, answer = heard["messages"]
    assert (heard["status"], heard["errors"]) == ("ready", [])
    assert (question["role"], answer["role"]) == ("user", "assistant")
    assert "AEEH" in text_of(answer)
    assert [part for part in answer["parts"] if part["type"] == "source-url"]
    assert answer["metadata"]["saved"] is True
    assert [part["type"] for part in heard["data"]] == ["data-suggestions"]
    assert all(part.get("state", "done") == "done" for part in answer["parts"])


def test_read_ui_message_stream_sees_the_answer_grow(sdk, ai: StandIn):
    ai.pace(50)
    heard = sdk("read", question="Qu'est-ce que la PCH ?")
    assert heard["states"] > 5
    assert heard["last"]["metadata"]["origin"] == "ai"
    assert text_of(heard["last"])


def test_use_chat_is_told_of_a_degraded_answer_in_a_notice_and_reads_it_as_any_other(sdk, ai: StandIn):
    ai.fail("error", status=400)
    heard = sdk("ask", question="Qu'est-ce que le GEVA-Sco ?")
    assert (heard["status"], heard["errors"]) == ("ready", [])
    assert text_of(heard["messages"][1])
    notice = next(part["data"] for part in heard["data"] if part["type"] == "data-notice")
    assert (notice["kind"], notice["reason"]) == ("degraded", "ai_rejected")


def test_use_chat_hears_that_it_is_tried_again(sdk, ai: StandIn):
    ai.fail("error", status=503, count=1)
    heard = sdk("ask", question="Qu'est-ce qu'un PPS ?")
    assert heard["data"][0]["type"] == "data-status"
    assert "Nouvelle tentative dans" in heard["data"][0]["data"]["text"]
    assert not any(part["type"] == "data-status" for part in heard["messages"][1]["parts"])  # it passes
    assert heard["messages"][1]["metadata"]["origin"] == "ai"


def test_use_chat_keeps_the_text_of_an_answer_cut_upstream(sdk, ai: StandIn):
    ai.fail("cut", after_tokens=3)
    heard = sdk("ask", question="Comment faire appel d'une décision ?")
    assert (heard["status"], heard["errors"]) == ("ready", [])
    assert text_of(heard["messages"][1])
    assert heard["messages"][1]["metadata"]["ending"] == "interrupted"
    assert [part["data"]["kind"] for part in heard["data"] if part["type"] == "data-notice"] == ["interrupted"]


def test_use_chat_resumes_on_another_instance_the_very_message_that_it_lost(sdk, ai: StandIn):
    ai.pace(40)
    heard = sdk("resume", question="Comment préparer un dossier MDPH ?", after=5)
    assert heard["errors"] == ["TypeError: network lost"]
    (question, answer), partial = heard["messages"], heard["partial"]
    assert question["role"] == "user"
    assert answer["id"] == partial["id"]
    assert 0 < len(text_of(partial)) < len(text_of(answer))
    assert text_of(answer).startswith(text_of(partial))
    assert (heard["status"], answer["metadata"]["ending"]) == ("ready", "stop")
    assert ai.calls == 1


def test_use_chat_finds_nothing_to_resume_in_a_conversation_at_rest(sdk, ai: StandIn):
    sdk("ask", question="Qu'est-ce que l'AESH ?")
    heard = sdk("idle")
    assert (heard["status"], heard["messages"], heard["errors"]) == ("ready", [], [])


def test_use_chat_is_told_that_its_answer_was_stopped(sdk, ai: StandIn):
    ai.pace(10)
    heard = sdk("stop", question="Comment trouver du répit ?")
    assert (heard["status"], heard["errors"]) == ("ready", [])
    assert heard["messages"][1]["metadata"]["ending"] == "stopped"
    assert text_of(heard["messages"][1])


def test_use_chat_replays_a_cached_answer_as_a_stream(sdk, ai: StandIn):
    first = sdk("read", question="Qu'est-ce que la CDAPH ?")
    again = sdk("read", question="Qu'est-ce que la CDAPH ?", id="another-conversation")
    assert again["last"]["metadata"]["origin"] == "cache"
    assert text_of(again["last"]) == text_of(first["last"])
    assert again["states"] > 3
    assert ai.calls == 1
