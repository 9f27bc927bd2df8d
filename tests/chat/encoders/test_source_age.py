"""The day of a source's facts, as each client protocol and the history have it."""

from __future__ import annotations

import pytest

from chat.core.events import Delta, Event, Finish, Source, Start, decode, encode
from chat.core.transcript import Transcript
from chat.encoders import json_body, openai
from chat.encoders.ui_stream import MessageWriter
from chat.history.message_json import ui_message
from chat.models import Conversation, Message
from tests.support.sse import parse_parts

DATED = Source("1", "AEEH – Caf", "https://caf.fr/aeeh", "2025-04-01", is_outdated=True)
UNDATED = Source("2", "Guide", "")
EVENTS: list[Event] = [Start(), Delta("Voici [1] [2]."), DATED, UNDATED, Finish("ai")]
AGE = {"bff": {"asOf": "2025-04-01", "outdated": True}}


def test_json_answers_have_the_day_and_whether_it_is_long_ago() -> None:
    answer = json_body.answer(Transcript(EVENTS), conversation_id="c", message_id="m", saved=True)
    assert [(source["asOf"], source["outdated"]) for source in answer["sources"]] == [
        ("2025-04-01", True),
        (None, False),
    ]
    assert openai._citations([DATED])["citations"][0]["asOf"] == "2025-04-01"


def test_a_stream_has_it_in_the_one_free_field_of_a_source() -> None:
    stream = MessageWriter("m", {}).stream([EVENTS])
    dated, undated = (part for part in parse_parts(stream) if part["type"].startswith("source-"))
    assert dated["providerMetadata"] == AGE
    assert "providerMetadata" not in undated


@pytest.mark.parametrize("source", [DATED.as_json(), {"id": "1", "title": "AEEH", "url": ""}])
def test_the_history_keeps_it_and_reads_messages_without_it(source: dict[str, object]) -> None:
    row = Message(role="assistant", text="Voici.", sources=[source], conversation=Conversation(owner="me"))
    [part] = [part for part in ui_message(row, "c")["parts"] if part["type"].startswith("source-")]
    assert part.get("providerMetadata") == (AGE if "asOf" in source else None)


def test_answers_kept_by_an_earlier_release_are_read() -> None:
    assert decode(b'[["s",{"id":"1","title":"AEEH","url":""}]]') == [Source("1", "AEEH", "")]
    assert decode(encode([DATED])) == [DATED]
