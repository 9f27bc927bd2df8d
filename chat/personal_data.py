"""All that is kept of one person: given to them, or deleted.

That is their conversations, the visitors they claimed, the answers kept for them alone and the logs of their answers in
Redis. What is shared – answers to questions that anybody may ask – holds nothing of a person. Lines in the operator's
logs name people by their pseudonym and end with those logs.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import chain, count
from typing import Any

import orjson

from chat import claims, conversations
from chat.database import database
from chat.models import Claim, Conversation, Message
from chat.wire import plain
from observability.timestamps import iso

BATCH = 200  # rows at a time: an export never holds more in memory


def export(owner: str) -> Iterator[bytes]:
    """One JSON document, in pieces. Raises DatabaseAway: before the first piece, or where the database is lost.

    A document that breaks off is no JSON, so that nobody takes a part for the whole.
    """
    head = {"exportedAt": iso(), "caller": owner, "claimedVisitors": database.ask(lambda: claims.visitors_of(owner))}
    return chain([orjson.dumps(head)[:-1] + b',"conversations":['], _conversations(owner), [b"]}"])


def erase(owner: str, visitor: str | None = None) -> int:
    """Delete everything; how many conversations there were. Raises DatabaseAway, NotAllDeleted: then ask again.

    `visitor` is whose cookie they hold: it ends with them, so that nobody could delete that later.
    What was kept for a visitor alone may have outlived the claim, if Redis was away then.
    """
    deleted = conversations.forget_all(database.ask(lambda: [owner, *claims.visitors_who_are(owner, visitor)]))
    database.ask(lambda: Claim.objects.filter(owner=owner).delete())  # last: they tell where to look
    return deleted


def _conversations(owner: str) -> Iterator[bytes]:
    after = 0
    for number in count():
        mine = Conversation.objects.filter(owner=owner, pk__gt=after).order_by("pk")
        row = database.ask(mine.first)
        if row is None:
            return
        after = row.pk
        yield (b"," if number else b"") + orjson.dumps(_described(row))[:-1] + b',"messages":['
        yield from _messages(row)
        yield b"]}"


def _messages(conversation: Conversation) -> Iterator[bytes]:
    after, separator = 0, b""
    while rows := database.ask(partial(_messages_after, conversation, after)):
        yield separator + b",".join(orjson.dumps(_said(row)) for row in rows)
        after, separator = rows[-1].pk, b","


def _messages_after(conversation: Conversation, after: int) -> list[Message]:
    return list(conversation.messages.filter(pk__gt=after).order_by("pk")[:BATCH])


def _described(row: Conversation) -> dict[str, Any]:
    created, updated = (iso(moment.timestamp()) for moment in (row.created_at, row.updated_at))
    return {"id": row.public_id, "title": row.title, "createdAt": created, "updatedAt": updated}


def _said(row: Message) -> dict[str, Any]:
    return plain.message(row) | {"comment": row.comment}
