"""A fault of this program in one part of an answer: the person gets a useful answer, the operator sees why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bff.http.media_types import MediaTypeMiddleware
from bff.identity.middleware import CallerMiddleware
from bff.limits_middleware import LimitsMiddleware
from chat import knowledge, runs
from chat.documents import extraction
from chat.history import conversations
from chat.history.recorder import TurnRecorder
from chat.knowledge.knowledge_base import KnowledgeBase
from chat.pipeline import distress, fallbacks, help_lines
from chat.runs import redis_log
from chat.storage import answer_cache, answer_keys, fleet_counters, history_sql, provenance
from chat.storage.provenance import GenerationTrace, RequestTrace
from chat.upstream import compose, prompts
from chat.upstream.protocols import openai
from chat.upstream.session import AISession
from observability import masking, route_labels
from tests.support.faults import broken, counted_errors

pytestmark = pytest.mark.django_db(transaction=True)

QUESTION = "C'est quoi un PPS et comment en avoir un ?"


# Where → the room that counts it, and whether the AI still answers.
FAULTS: dict[str, tuple[Any, str, str, bool]] = {
    "media types": (MediaTypeMiddleware, "__call__", "request", False),
    "callers": (CallerMiddleware, "_identify", "request", False),
    "limits": (LimitsMiddleware, "_count_shared", "ratelimit", True),
    "labels of metrics": (route_labels, "for_metrics", "metrics", True),
    "labels of the access log": (route_labels, "endpoint", "metrics", True),
    "conversations": (conversations, "resolve", "request", False),
    "signs of distress": (distress, "detect", "answer", True),
    "distress notice": (help_lines, "notice", "answer", True),
    "knowledge search": (KnowledgeBase, "search", "knowledge", False),
    "knowledge version": (knowledge, "version", "knowledge", False),
    "cache key": (answer_keys, "key_of", "knowledge", False),
    "cache read": (answer_cache, "get_with", "cache", True),
    "second cache read": (answer_cache, "get", "cache", True),
    "count of lookups": (answer_cache, "count_lookup", "cache", True),
    "cache write": (answer_cache, "command_to_put", "cache", True),
    "provenance of the request": (RequestTrace, "provenance", "provenance", True),
    "provenance of the generation": (GenerationTrace, "attach_to", "provenance", True),
    "history before the answer": (TurnRecorder, "start", "history", True),
    "history after the answer": (TurnRecorder, "complete", "history", True),
    "history's statements": (history_sql, "insert", "history", True),
    "counters": (fleet_counters, "count_answer", "history", True),
    "run broker": (runs, "subscribe", "request", False),
    "lease of the run": (redis_log, "acquire", "runs", True),
    "prompt": (prompts, "for_chat", "answer", False),
    "request": (openai, "chat", "answer", False),
    "upstream client": (AISession, "stream", "answer", False),
    "suggestions": (KnowledgeBase, "suggestions", "answer", True),
}


@pytest.mark.parametrize("where", FAULTS)
def test_a_fault_in_one_part_leaves_a_useful_answer(visitor, ai, monkeypatch, capsys, where):
    owner, name, room, has_ai = FAULTS[where]
    before = counted_errors(room)
    monkeypatch.setattr(owner, name, broken)
    headers = {"X-Correlation-ID": "req-fault.1"}
    reply = visitor.post_json("/api/chat/message", {"message": QUESTION}, headers=headers)
    answer = reply.json()
    assert reply.status_code == 200
    assert len(answer["response"]) > 50
    assert counted_errors(room) > before
    if has_ai:
        assert answer["origin"] == "ai"
    else:
        assert answer["origin"] in {"knowledge", "fallback"}
        assert answer["degraded"]["reason"] == reply["X-Degraded"] == "internal"
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    logged = [line for line in lines if line["level"] == "error" and line.get("room", "request") == room]
    assert {line["correlationId"] for line in logged} == {reply["X-Correlation-ID"]} == {"req-fault.1"}
    assert "secret" not in json.dumps(lines)


def test_kind_words_remain_when_the_articles_fail_too(visitor, ai, monkeypatch):
    for name in ("search", "openers", "suggestions"):
        monkeypatch.setattr(KnowledgeBase, name, broken)
    answer = visitor.ask(QUESTION).json()
    assert answer["origin"] == "fallback"
    assert "0 800 360 360" in answer["response"]


def test_after_a_fault_a_person_in_distress_is_not_told_what_to_ask_next(visitor, ai, monkeypatch):
    monkeypatch.setattr(prompts, "for_chat", broken)
    answer = visitor.ask("Je n'en peux plus, j'ai envie de mourir").json()
    assert answer["degraded"]["reason"] == "internal"
    assert answer["suggestions"] == []


def test_a_fault_on_a_stream_ends_in_an_article(visitor, ai, monkeypatch):
    monkeypatch.setattr(prompts, "for_chat", broken)
    body = b"".join(visitor.stream(QUESTION)).decode()
    assert '"reason":"internal"' in body.replace(" ", "")
    assert "[DONE]" in body


@pytest.mark.parametrize(
    ("owner", "name"),
    [(extraction, "find_facts"), (masking, "hide"), (compose, "analysis")],
)
def test_a_fault_in_a_document_leaves_its_facts_or_kind_words(visitor, ai, monkeypatch, owner, name):
    before = counted_errors("document")
    monkeypatch.setattr(owner, name, broken)
    reply = visitor.post_json("/api/chat/analyze-document", {"document": "Votre AEEH de 151,80 € est accordée."})
    answer = reply.json()
    assert reply.status_code == 200
    assert len(answer["analysis"]) > 50
    assert counted_errors("document") > before
    if name != "find_facts":
        assert answer["degraded"]["reason"] == "internal"
    if name == "analysis":
        assert "151,80" in answer["analysis"]


def test_provenance_that_cannot_be_written_does_not_cost_the_answer(visitor, ai, monkeypatch):
    monkeypatch.setattr(provenance, "commands", broken)
    monkeypatch.setattr(fallbacks, "ladder", broken)
    assert visitor.ask(QUESTION).json()["origin"] == "ai"
