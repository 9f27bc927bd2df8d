"""The RAG protocol: the service searches its own knowledge folder."""

from __future__ import annotations

import base64
import time
import uuid
from typing import Any

import orjson

from ai_service import documents, quoting
from ai_service.knowledge import KnowledgeFolder
from ai_service.replies import BadRequest, CompleteReply, json_object, tokens_of


class Rag:
    """`POST /api/chat/send` and `POST /api/chat/analyze-document`, over one knowledge folder."""

    def __init__(self, knowledge: KnowledgeFolder) -> None:
        self._knowledge = knowledge

    def send(self, body: bytes) -> CompleteReply:
        """`{message, conversation_history?}` → `{answer, conversation_id, sources, suggestions, processing_time}`."""
        began = time.monotonic()
        data = json_object(body)
        message = _text(data, "message")
        # The previous question gives a follow-up such as "et pour combien de temps ?" its subject.
        query = " ".join([*_previous_questions(data)[-1:], message])
        entries = self._knowledge.search(query, quoting.language_of(message))
        text = quoting.answer(message, [entry.passage for entry in entries])
        answer = {
            "answer": text,
            "conversation_id": str(data.get("conversation_id") or uuid.uuid4().hex),
            "sources": [{"title": entry.passage.title, "url": entry.passage.source} for entry in entries],
            "suggestions": [entry.questions[-1] for entry in entries],
            "processing_time": round(time.monotonic() - began, 3),
        }
        return CompleteReply("chat", orjson.dumps(answer), len(tokens_of(text)))

    def analyze_document(self, body: bytes) -> CompleteReply:
        """`{document, documentType?, fileName?}` → `{analysis, suggestions}`. The document is text, or base64 of it."""
        data = json_object(body)
        explanation = documents.explain(_document(data))
        answer = {"analysis": explanation.text, "suggestions": explanation.suggestions}
        return CompleteReply("analyze", orjson.dumps(answer), len(tokens_of(explanation.text)))


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"'{name}' must be a text.", name)
    return value


def _document(data: dict[str, Any]) -> str:
    """The text of the document; with the `documentType` `text` it comes as base64."""
    document = _text(data, "document")
    if data.get("documentType") != "text":
        return document
    try:
        return base64.b64decode(document, validate=True).decode()
    except ValueError:
        raise BadRequest("'document' must be base64.", "document") from None


def _previous_questions(data: dict[str, Any]) -> list[str]:
    """The user messages of `conversation_history`, a list of `{role, content}`."""
    history = data.get("conversation_history") or []
    if not isinstance(history, list):
        raise BadRequest("'conversation_history' must be a list.", "conversation_history")
    turns = [turn for turn in history if isinstance(turn, dict) and turn.get("role") == "user"]
    return [str(turn.get("content") or "") for turn in turns]
