"""Regression tests for the bugs that drills have found."""

from __future__ import annotations

import pytest
import requests

from chat.core.events import Delta, Finish, Start
from chat.core.transcript import Transcript
from chat.history import recorder
from chat.models import Message
from chat.pipeline import fallbacks
from chat.runs.run import Run
from tests.support.outages import break_database
from tests.support.sse import parse_parts, read_start

INTERRUPTED = fallbacks.interrupted_ending("fr")


def test_a_reader_ahead_of_the_log_gets_the_abort_of_a_lost_run():
    run = Run("run", end_events=INTERRUPTED)
    run.append([Start(), Delta("Bonjour, ")])
    events = run.read(after=5)
    assert next(events) == []  # a timeout without events
    run.abort()
    assert [event for batch in events for event in batch] == [*INTERRUPTED]


def test_a_reader_from_the_beginning_gets_each_event_once():
    run = Run("run", end_events=INTERRUPTED)
    run.append([Start(), Delta("Bonjour, ")])
    next(run.read(after=5))
    run.abort()
    assert Transcript(event for batch in run.read() for event in batch).text == "Bonjour, "


def test_a_reader_after_the_end_gets_the_finish_event():
    run = Run("run")
    run.append([Start(), Delta("Bonjour."), Finish("ai")])
    assert [event for batch in run.read(after=50) for event in batch] == [Finish("ai")]


@pytest.mark.django_db(transaction=True)
def test_a_conversation_started_during_a_database_outage_continues_afterwards(
    visitor, another_visitor, ai, monkeypatch
):
    with monkeypatch.context() as outage:
        break_database(outage)
        first = visitor.ask("Comment demander la PCH ?").json()
    assert first["saved"] is False
    second = visitor.ask("Et pour mon fils ?", conversationId=first["conversationId"])
    assert second.status_code == 200
    assert second.json()["saved"] is True
    assert second.json()["conversationId"] == first["conversationId"]
    history = visitor.get("/api/chat/history", {"conversationId": first["conversationId"]}).json()
    assert [item["role"] for item in history["items"]] == ["user", "assistant"]
    assert another_visitor.ask("Et moi ?", conversationId=first["conversationId"]).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_stream_resumed_on_another_instance_is_reported_as_saved(two_servers, ai):
    first_server, second_server = two_servers
    ai.pace(60)
    visitor = requests.Session()
    first = visitor.post(
        f"{first_server.url}/api/chat/stream", json={"message": "Comment demander la PCH ?"}, stream=True
    )
    conversation, _ = read_start(first.iter_lines())
    parts = list(parse_parts([visitor.get(f"{second_server.url}/api/chat/{conversation}/stream").content]))
    assert parts[-1]["type"] == "finish"
    assert parts[-1]["messageMetadata"]["saved"] is True


@pytest.mark.django_db(transaction=True)
def test_an_interrupted_ending_does_not_overwrite_a_complete_answer(visitor, ai):
    answer = visitor.ask("Comment demander la PCH ?").json()
    message = Message.objects.get(public_id=answer["messageId"])
    assert recorder.save_outcome(message, Transcript(INTERRUPTED)) is False
    saved = Message.objects.get(public_id=answer["messageId"])
    assert (saved.text, saved.status) == (answer["response"], "complete")
