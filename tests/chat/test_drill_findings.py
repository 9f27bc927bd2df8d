"""What drills have found, each once, so that it stays mended."""

from __future__ import annotations

import pytest
import requests

from chat import conversations, fallbacks
from chat.events import Delta, Finish, Start
from chat.models import Message
from chat.runs.run import Run
from chat.transcripts import Transcript
from tests.chat.outage import database_goes_away
from tests.frames import begun, parts_in

CUT_SHORT = fallbacks.cut_short("fr")


def test_a_reader_who_heard_more_than_was_written_down_is_told_that_the_writer_is_gone():
    run = Run("run")
    run.append([Start(), Delta("Bonjour, ")])
    elsewhere = run.read(after=5)
    assert next(elsewhere) == []  # silence
    run.break_off(CUT_SHORT)
    assert [event for batch in elsewhere for event in batch] == [*CUT_SHORT]


def test_readers_from_the_beginning_hear_the_whole_and_nothing_twice():
    run = Run("run")
    run.append([Start(), Delta("Bonjour, ")])
    next(run.read(after=5))
    run.break_off(CUT_SHORT)
    assert Transcript(event for batch in run.read() for event in batch).text == "Bonjour, "


def test_a_reader_who_comes_when_all_is_over_hears_the_end():
    run = Run("run")
    run.append([Start(), Delta("Bonjour."), Finish("ai")])
    assert [event for batch in run.read(after=50) for event in batch] == [Finish("ai")]


@pytest.mark.django_db(transaction=True)
def test_a_conversation_begun_while_the_database_was_away_goes_on_when_it_is_back(
    visitor, another_visitor, ai, monkeypatch
):
    with monkeypatch.context() as outage:
        database_goes_away(outage)
        first = visitor.ask("Comment demander la PCH ?").json()
    assert first["saved"] is False
    following = visitor.ask("Et pour mon fils ?", conversationId=first["conversationId"])
    assert following.status_code == 200
    assert following.json()["saved"] is True
    assert following.json()["conversationId"] == first["conversationId"]
    history = visitor.get("/api/chat/history", {"conversationId": first["conversationId"]}).json()
    assert [item["role"] for item in history["items"]] == ["user", "assistant"]
    assert another_visitor.ask("Et moi ?", conversationId=first["conversationId"]).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_stream_read_on_another_instance_says_that_it_is_saved(two_servers, ai):
    here, there = two_servers
    ai.pace(60)
    visitor = requests.Session()
    first = visitor.post(f"{here.url}/api/chat/stream", json={"message": "Comment demander la PCH ?"}, stream=True)
    conversation, _ = begun(first.iter_lines())
    parts = list(parts_in([visitor.get(f"{there.url}/api/chat/{conversation}/stream").content]))
    assert parts[-1]["type"] == "finish"
    assert parts[-1]["messageMetadata"]["saved"] is True


@pytest.mark.django_db(transaction=True)
def test_whoever_lost_sight_of_an_answer_does_not_overwrite_its_end(visitor, ai):
    answer = visitor.ask("Comment demander la PCH ?").json()
    message = Message.objects.get(public_id=answer["messageId"])
    assert conversations._save_end(message, Transcript(CUT_SHORT)) is False
    kept = Message.objects.get(public_id=answer["messageId"])
    assert (kept.text, kept.status) == (answer["response"], "complete")
