"""Votes against a shared answer, counted until enough people from different networks have rated it down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from chat.storage.distinct_people import DistinctPeople

_people = DistinctPeople("chat.answer_votes")


def add(cache_key: str, generation: Mapping[str, Any], person: str, network: str) -> bool:
    """Count a vote against the answer of this generation. True if it was the last one needed."""
    needed, lifetime = settings.FEEDBACK_DOWNS_TO_EVICT, settings.CACHE_TTL_WARM + settings.CACHE_TTL_STALE
    counted = _people.add(_key(cache_key, generation), person, network, most=needed, lifetime=lifetime)
    return counted is not None and counted.is_new and counted.people >= needed


def withdraw(cache_key: str, generation: Mapping[str, Any], person: str) -> None:
    """Remove this person's vote, if there is one."""
    _people.remove(_key(cache_key, generation), person)


def _key(cache_key: str, generation: Mapping[str, Any]) -> str:
    """The Redis key of the votes on one generation: a regenerated answer begins without votes."""
    return f"bff:votes:{_people.pseudonym(cache_key, generation['at'], generation['correlationId'])}"
