"""Claims: after signing in, a person takes over the conversations they started as an anonymous visitor.

The conversations keep their ids. A visitor belongs to the first person who claims them. That person may repeat the
claim, for example when the response was lost; anyone else is refused. What is begun with the visitor's cookie after
the claim is not moved: on a shared device it is another person's.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest

from chat.history import deletions
from chat.models import Claim, Conversation, Message
from chat.storage import answer_cache
from chat.storage.db_executor import db_executor


class ClaimedByAnother(Exception):
    """Another person has claimed this visitor."""


def claim(owner: str, visitor: str) -> int:
    """Move the visitor's conversations to the owner. Returns how many. Raises ClaimedByAnother, DatabaseUnavailable."""

    def write() -> int:
        with transaction.atomic():
            existing, is_first = Claim.objects.get_or_create(visitor=visitor, defaults={"owner": owner})
            if existing.owner != owner:
                raise ClaimedByAnother
            conversations = Conversation.objects.filter(owner=visitor)
            if not is_first:
                conversations = conversations.filter(created_at__lte=existing.claimed_at)
            # A turn in progress is not stored for any caller: what is inserted too late to be moved sees this mark.
            deletions.mark(visitor)
            return _move_conversations(owner, conversations)

    count = db_executor.run(write)
    answer_cache.forget(visitor)  # answers cached for the visitor alone; no request looks them up any more
    return count


def is_claimed(visitor: str) -> bool:
    """Whether a person has claimed this visitor, whose cookie is then worth nothing. Raises DatabaseUnavailable."""
    return db_executor.run(lambda: Claim.objects.filter(visitor=visitor).exists())


def visitors_of(owner: str) -> list[str]:
    """The visitors that this person has claimed, oldest claim first."""
    return list(Claim.objects.filter(owner=owner).order_by("claimed_at").values_list("visitor", flat=True))


def own_visitors(owner: str, current: str | None) -> list[str]:
    """The claimed visitors, and `current`, the visitor of the caller's cookie, unless a person has claimed it."""
    claimed = visitors_of(owner)
    if current is None or Claim.objects.filter(visitor=current).exists():
        return claimed
    return [*claimed, current]


def delete_all(owner: str) -> None:
    """Delete the records of this person's claims."""
    db_executor.run(lambda: Claim.objects.filter(owner=owner).delete())


def _move_conversations(owner: str, conversations: QuerySet[Conversation]) -> int:
    """Locks the conversations, so that no message is added to one that is being merged."""
    moving = list(conversations.select_for_update())
    ids = [conversation.public_id for conversation in moving]
    existing = {row.public_id: row for row in Conversation.objects.filter(owner=owner, public_id__in=ids)}
    for conversation in moving:
        if target := existing.get(conversation.public_id):
            _merge(conversation, target)
    conversations.update(owner=owner)
    return len(moving)


def _merge(source: Conversation, target: Conversation) -> None:
    """Some clients choose the ids, so both owners may have used the same one: the result is one conversation."""
    Message.objects.filter(conversation=source).update(conversation=target)
    latest = Greatest(F("updated_at"), source.updated_at)
    Conversation.objects.filter(pk=target.pk).update(updated_at=latest)
    source.delete()
