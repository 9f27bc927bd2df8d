"""Decides which questions may share their cached answer: common ones. Answers to personal ones stay private."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chat import knowledge
from chat.core.question import Passage, Question, normalise
from chat.storage import answer_cache, askers
from chat.storage.answer_cache import CachedAnswer
from observability.caller import Caller


def marked(question: Question, passages: Sequence[Passage]) -> Question:
    """The question; marked as unusual if others could share its answer, but the knowledge base does not know it.

    A question with a name, a birth date or a story has words that the knowledge base does not have. Its answer is
    cached for its caller alone, and deleted with the caller's other data.
    """
    if not question.is_public or knowledge.is_common(question.text, question.language, passages):
        return question
    return replace(question, is_unusual=True)


def look_up_unusual(question: Question, caller: Caller, cache_key: str) -> tuple[bool, CachedAnswer | None]:
    """Count the caller of a question that is marked as unusual, and look for an answer that is the caller's own.

    Returns first whether several people of different networks have asked it: then it is not unusual after all. One
    Redis trip.
    """
    count = askers.command_to_count(f"{question.language} {normalise(question.text)}", caller)
    cached, replies = answer_cache.get_along(cache_key, count)
    return askers.are_several(replies[0] if replies else None), cached
