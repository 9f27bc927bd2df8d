"""Decides which questions may share their cached answer: common ones. Answers to personal ones stay private.

A question that the knowledge base does not know is common once several people of different networks have asked it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.conf import settings

from chat import knowledge
from chat.core.question import Passage, Question, normalise
from chat.storage import answer_cache
from chat.storage.answer_cache import CachedAnswer
from chat.storage.distinct_people import DistinctPeople
from observability.caller import Caller
from observability.redis_trips import Command

SEVERAL = 3  # people: more than two, because one person may use a phone and a computer

_people = DistinctPeople("bff.askers")


def marked(question: Question, passages: Sequence[Passage]) -> Question:
    """The question; marked as unusual if others could share its answer, but the knowledge base does not know it.

    A question with a name, a birth date or a story has words that the knowledge base does not have. Its answer is
    cached for its caller alone, and deleted with the caller's other data.
    """
    if not question.is_public or knowledge.current().is_common(question.text, question.language, passages):
        return question
    return replace(question, is_unusual=True)


def look_up_unusual(question: Question, caller: Caller, cache_key: str) -> tuple[bool, CachedAnswer | None]:
    """Count the caller of a question that is marked as unusual, and look for an answer that is the caller's own.

    Returns first whether several people of different networks have asked it: then it is not unusual after all. One
    Redis trip.
    """
    cached, replies = answer_cache.get_with(cache_key, _command_to_count(question, caller))
    # Without Redis there is no reply. The reply begins with the number of people.
    return bool(replies) and replies[0][0] >= SEVERAL, cached


def _command_to_count(question: Question, caller: Caller) -> Command:
    key = f"bff:askers:{_people.pseudonym(f'{question.language} {normalise(question.text)}')}"
    return _people.command_to_add(key, caller.id, caller.networks[-1], most=SEVERAL, lifetime=settings.CACHE_TTL_WARM)
