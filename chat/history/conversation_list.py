"""The list of a caller's conversations: pages, search, titles. Every query includes the owner."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from chat.history.conversations import UnknownConversation
from chat.models import Conversation, Message
from chat.storage.db_executor import db_executor


def page(owner: str, before: str | None, limit: int, search: str = "") -> list[Conversation]:
    """Latest first; only those with `search` in their title or in a message. One extra row if there are more.

    `before` is the `public_id` of the previous page's last row. Raises UnknownConversation.
    """

    def read() -> list[Conversation]:
        rows = Conversation.objects.filter(owner=owner).order_by("-updated_at", "-id")
        if before is not None:
            last = rows.filter(public_id=before).first()
            if last is None:
                raise UnknownConversation(before)
            rows = rows.filter(updated_at__lte=last.updated_at).exclude(updated_at=last.updated_at, id__gte=last.pk)
        if search:
            in_messages = Message.objects.filter(conversation=OuterRef("pk"), text__icontains=search)
            rows = rows.filter(Q(title__icontains=search) | Exists(in_messages))
        return list(rows[: limit + 1])

    return db_executor.run(read)


def rename(owner: str, public_id: str, title: str) -> None:
    """Raises UnknownConversation."""
    named = Conversation.objects.filter(owner=owner, public_id=public_id)
    if not db_executor.run(lambda: named.update(title=title)):
        raise UnknownConversation(public_id)
