"""Decides which questions may share their cached answer: common ones. Answers to personal ones stay private."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chat import knowledge
from chat.core.question import Passage, Question, normalise
from chat.storage import askers
from observability.caller import Caller


def scoped(question: Question, passages: Sequence[Passage], caller: Caller | None) -> Question:
    """The question; marked as unusual unless the knowledge base knows it, or several people of different
    networks have asked it. Without a caller nobody is counted.

    A question with a name, a birth date or a story has words that the knowledge base does not have. Its answer is
    cached for its caller alone, and deleted with the caller's other data.
    """
    if not question.is_public or knowledge.is_common(question.text, question.language, passages):
        return question
    if caller and askers.are_several(f"{question.language} {normalise(question.text)}", caller):
        return question
    return replace(question, is_unusual=True)
