"""One stored message as JSON."""

from __future__ import annotations

from typing import Any

from chat.core.events import Degraded
from chat.encoders.ui_stream import source_part
from chat.history import kept_document
from chat.models import Message
from observability.timestamps import iso


def plain_json(row: Message) -> dict[str, str]:
    """The fields of chat.api.schemas.PlainMessage."""
    return {
        "id": row.public_id,
        "role": row.role,
        "content": row.text,
        "timestamp": iso(row.created_at.timestamp()),
    }


def ui_message(row: Message, conversation_id: str) -> dict[str, Any]:
    """The message as the AI SDK's `UIMessage`, with the ids and parts that its stream had."""
    parts: list[dict[str, Any]] = [{"type": "text", "text": row.text, "state": "done"}]
    parts += map(source_part, row.sources)
    if row.suggestions:
        parts.append({"type": "data-suggestions", "data": row.suggestions})
    metadata: dict[str, Any] = {
        "conversationId": conversation_id,
        "correlationId": row.correlation_id,
        "createdAt": iso(row.created_at.timestamp()),
    }
    if row.role == Message.Role.ASSISTANT:
        ending = "stop" if row.status == Message.Status.COMPLETE else row.status
        metadata |= {"origin": row.origin, "ending": ending, "degraded": _degraded(row), "saved": True}
    return {"id": row.client_id or row.public_id, "role": row.role, "parts": parts, "metadata": metadata}


def _degraded(row: Message) -> dict[str, Any] | None:
    return Degraded(**row.degraded).as_json() if row.degraded else None


def message_json(row: Message) -> dict[str, Any]:
    """The fields of chat.api.schemas.MessageOut, the same in the history and in an export."""
    return {
        "id": row.public_id,
        "role": row.role,
        "text": row.text,
        "status": row.status,
        "origin": row.origin,
        "sources": row.sources,
        "suggestions": row.suggestions,
        "degraded": _degraded(row),
        "rating": row.rating,
        "correlationId": row.correlation_id,
        "createdAt": iso(row.created_at.timestamp()),
        "document": kept_document.as_json(row.document),
    }
