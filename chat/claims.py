"""Claims: what a visitor asked before signing in becomes the person's own, under the ids it always had.

A visitor belongs to the first person who claims them. That person may claim again, say after an answer that was lost on
the way; anybody else is refused, on a shared phone too.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from chat import cache
from chat.database import database
from chat.models import Claim, Conversation, Message


class ClaimedByAnother(Exception):
    """This visitor has turned out to be somebody else."""


def claim(owner: str, visitor: str) -> int:
    """Make the visitor's conversations the owner's; how many there were. Raises ClaimedByAnother, DatabaseAway."""

    def write() -> int:
        with transaction.atomic():
            kept, _ = Claim.objects.get_or_create(visitor=visitor, defaults={"owner": owner})
            if kept.owner != owner:
                raise ClaimedByAnother
            return _take_over(owner, visitor)

    count = database.ask(write)
    cache.forget(visitor)  # kept for the visitor alone: nobody would find it any more but `personal_data.erase`
    return count


def visitors_of(owner: str) -> list[str]:
    """The visitors who turned out to be this person."""
    return list(Claim.objects.filter(owner=owner).order_by("claimed_at").values_list("visitor", flat=True))


def visitors_who_are(owner: str, visitor: str | None) -> list[str]:
    """The same, and the visitor whose cookie they hold, unless that one is somebody's already."""
    claimed = visitors_of(owner)
    if visitor is None or Claim.objects.filter(visitor=visitor).exists():
        return claimed
    return [*claimed, visitor]


def _take_over(owner: str, visitor: str) -> int:
    """Locked, so that no message can arrive in a conversation that is about to be joined to another."""
    theirs = list(Conversation.objects.select_for_update().filter(owner=visitor))
    ids = [conversation.public_id for conversation in theirs]
    twins = {mine.public_id: mine for mine in Conversation.objects.filter(owner=owner, public_id__in=ids)}
    for conversation in theirs:
        if twin := twins.get(conversation.public_id):
            _join(conversation, twin)
    Conversation.objects.filter(owner=visitor).update(owner=owner)
    return len(theirs)


def _join(conversation: Conversation, twin: Conversation) -> None:
    """Some clients choose the ids, so that both may have used the same one: then it is one conversation."""
    Message.objects.filter(conversation=conversation).update(conversation=twin)
    latest = Greatest(F("updated_at"), conversation.updated_at)
    Conversation.objects.filter(pk=twin.pk).update(updated_at=latest)
    conversation.delete()
