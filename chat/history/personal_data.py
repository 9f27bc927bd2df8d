"""Exports everything that is stored about one person: their conversations and the visitors they have claimed.

Deletion is in chat/pipeline/conversation_control.py. Cached answers are shared only if their question is a common one
(chat/pipeline/sharing.py). The operator's logs identify people by a pseudonym only.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain, count
from typing import Any

import orjson

from chat.history import claims
from chat.history.message_json import message_json
from chat.models import Conversation, Message
from chat.storage.db_executor import db_executor
from observability.timestamps import iso

BATCH_SIZE = 200  # rows read at a time, which bounds the memory of an export


def export(owner: str) -> Iterator[bytes]:
    """One JSON document in chunks. Raises DatabaseUnavailable before the first chunk or between two chunks.

    A truncated document is invalid JSON, so a client cannot mistake it for a complete export.
    """
    head = {"exportedAt": iso(), "caller": owner, "claimedVisitors": db_executor.run(lambda: claims.visitors_of(owner))}
    return chain([orjson.dumps(head)[:-1] + b',"conversations":['], _conversations(owner), [b"]}"])


def _conversations(owner: str) -> Iterator[bytes]:
    after = 0
    for number in count():
        remaining = Conversation.objects.filter(owner=owner, pk__gt=after).order_by("pk")
        row = db_executor.run(remaining.first)
        if row is None:
            return
        after = row.pk
        yield (b"," if number else b"") + orjson.dumps(_conversation_json(row))[:-1] + b',"messages":['
        yield from _messages(row)
        yield b"]}"


def _messages(conversation: Conversation) -> Iterator[bytes]:
    after, separator = 0, b""
    while rows := db_executor.run(partial(_messages_after, conversation, after)):
        yield separator + b",".join(map(_message, rows))
        after, separator = rows[-1].pk, b","


def _message(row: Message) -> bytes:
    return orjson.dumps(message_json(row) | {"reason": row.reason, "comment": row.comment})


def _messages_after(conversation: Conversation, after: int) -> list[Message]:
    return list(conversation.messages.filter(pk__gt=after).order_by("pk")[:BATCH_SIZE])


def _conversation_json(row: Conversation) -> dict[str, Any]:
    created, updated = (iso(moment.timestamp()) for moment in (row.created_at, row.updated_at))
    return {"id": row.public_id, "title": row.title, "createdAt": created, "updatedAt": updated}
