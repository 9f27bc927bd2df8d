"""Counts the people of different networks who asked the same unusual question."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from chat.storage.distinct_people import DistinctPeople
from observability.caller import Caller
from observability.redis_trips import Command

NEEDED = 3  # more than two, because one person may use a phone and a computer

_people = DistinctPeople("bff.askers")


def command_to_count(question: str, caller: Caller) -> Command:
    """Counts a question of this caller; `are_several` reads the reply."""
    key = f"bff:askers:{_people.pseudonym(question)}"
    lifetime = settings.CACHE_TTL_WARM
    return _people.command_to_add(key, caller.id, caller.networks[-1], most=NEEDED, lifetime=lifetime)


def are_several(reply: Sequence[int] | None) -> bool:
    """Whether NEEDED people have asked it; False while Redis is unavailable, when there is no reply."""
    return reply is not None and reply[0] >= NEEDED
