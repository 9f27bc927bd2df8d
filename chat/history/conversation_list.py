"""The list of a caller's conversations: pages, search, titles. Every query includes the owner."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from chat.history.conversations import UnknownConversation
from chat.models import Conversation, Message
from chat.storage.db_executor import db_executor

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def page(owner: str, before: str | None, limit: int, search: str = "") -> tuple[list[Conversation], str | None]:
    """Latest first; only those with `search` in their title or in a message. Also the position after the last row, None
    if there are no more.

    `before` is the position after the previous page. It stays valid when that page's conversations are continued or
    deleted.
    """

    def read() -> list[Conversation]:
        rows = Conversation.objects.filter(owner=owner).order_by("-updated_at", "-id")
        if before is not None:
            rows = _rows_after(rows, before)
        if search:
            in_messages = Message.objects.filter(_contains("text", search), conversation=OuterRef("pk"))
            rows = rows.filter(_contains("title", search) | Exists(in_messages))
        return list(rows[: limit + 1])

    rows = db_executor.run(read)
    return rows[:limit], position_of(rows[limit - 1]) if len(rows) > limit else None


def rename(owner: str, public_id: str, title: str) -> None:
    """Raises UnknownConversation."""
    named = Conversation.objects.filter(owner=owner, public_id=public_id)
    if not db_executor.run(lambda: named.update(title=title)):
        raise UnknownConversation(public_id)


def position_of(row: Conversation) -> str:
    """The time of its last message, and its number, because several may have the same time."""
    return f"{(row.updated_at - EPOCH) // MICROSECOND}-{row.pk}"


def _contains(field: str, search: str) -> Q:
    """Whether the text is in that field, in capitals or not."""
    if connection.vendor == "sqlite":  # its LIKE folds the letters of ASCII alone; its REGEXP is Django's, in Python
        return Q((f"{field}__iregex", re.escape(search)))
    return Q((f"{field}__icontains", search))


def _rows_after(rows: QuerySet[Conversation], position: str) -> QuerySet[Conversation]:
    microseconds, pk = map(int, position.split("-"))
    updated_at = EPOCH + microseconds * MICROSECOND
    return rows.filter(updated_at__lte=updated_at).exclude(updated_at=updated_at, id__gte=pk)
