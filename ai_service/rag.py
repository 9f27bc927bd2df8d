"""The RAG contract: this service finds by itself what its answers rest on."""

from __future__ import annotations

import time
import uuid
from typing import Any

import orjson

from ai_service import documents, writing
from ai_service.library import Library
from ai_service.replies import BadRequest, Plain, json_object, tokens_of
from ai_service.words import language_of


class Rag:
    """`POST /api/chat/send` and `POST /api/chat/analyze-document`, resting on one library."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def send(self, body: bytes) -> Plain:
        """`{message, conversation_history?}` → `{answer, conversation_id, sources, suggestions, processing_time}`."""
        begun = time.monotonic()
        data = json_object(body)
        message, earlier = _text(data, "message"), _earlier(data)
        entries = self._library.search(message, language_of(message) or "fr", earlier)
        text = writing.answer(message, [entry.passage for entry in entries], earlier)
        used = [entry for number, entry in enumerate(entries, 1) if f"[{number}]" in text]
        answer = {
            "answer": text,
            "conversation_id": str(data.get("conversation_id") or uuid.uuid4().hex),
            "sources": [{"title": entry.passage.title, "url": entry.passage.source} for entry in used],
            "suggestions": [entry.questions[0] for entry in entries if entry not in used],
            "processing_time": round(time.monotonic() - begun, 3),
        }
        return Plain("chat", orjson.dumps(answer), len(tokens_of(text)))

    def analyze_document(self, body: bytes) -> Plain:
        """`{document, documentType?, fileName?}` → `{analysis, suggestions}`."""
        data = json_object(body)
        kind = str(data.get("documentType") or "other")
        explained = documents.explain(_text(data, "document"), kind)
        answer = {"analysis": explained.text, "suggestions": explained.suggestions}
        return Plain("analyze", orjson.dumps(answer), len(tokens_of(explained.text)))


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"'{name}' must be a text.", name)
    return value


def _earlier(data: dict[str, Any]) -> list[str]:
    """What the person has asked before; the history's messages are `{role, content}`."""
    history = data.get("conversation_history") or []
    if not isinstance(history, list):
        raise BadRequest("'conversation_history' must be a list.", "conversation_history")
    turns = [turn for turn in history if isinstance(turn, dict) and turn.get("role") == "user"]
    return [str(turn.get("content") or "") for turn in turns]
