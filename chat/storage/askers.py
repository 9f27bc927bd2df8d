"""Counts the people of different networks who asked the same unusual question."""

from __future__ import annotations

from django.conf import settings

from chat.storage.distinct_people import DistinctPeople
from observability.caller import Caller

NEEDED = 3  # more than two, because one person may use a phone and a computer

_people = DistinctPeople("bff.askers")


def are_several(question: str, caller: Caller) -> bool:
    """Count a question of this caller. True once NEEDED people have asked it; False while Redis is unavailable."""
    key = f"bff:askers:{_people.pseudonym(question)}"
    counted = _people.add(key, caller.id, caller.networks[-1], most=NEEDED, lifetime=settings.CACHE_TTL_WARM)
    return counted is not None and counted.people >= NEEDED
