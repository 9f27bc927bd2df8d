"""Answering the knowledge base's questions ahead of time, so that people find the answer waiting."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

from chat import answering, cache, knowledge
from chat.questions import Language, Question
from chat.wire import plain

Result = Literal["kept", "unchanged", "failed", "unavailable"]


@dataclass(frozen=True, slots=True)
class Task:
    """One question of one entry."""

    slug: str
    language: Language
    text: str

    @property
    def question(self) -> Question:
        return Question(self.text, self.language, caller_id="")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task; `reason` is a code, `retry_after` seconds where the AI said so."""

    task: Task
    result: Result
    reason: str = ""
    seconds: float = 0.0
    tokens: int = 0
    retry_after: int | None = None


def tasks(only: set[str] | None = None) -> Iterator[Task]:
    """Every question of the knowledge base, or of these entries."""
    for entry in knowledge.entries():
        if only is None or entry.slug in only:
            for text in entry.questions:
                yield Task(entry.slug, cast("Language", entry.language), text)


def is_warm(task: Task) -> bool:
    """Whether a fresh answer to it is kept already."""
    kept = cache.look(answering.key_of(task.question))
    return kept is not None and kept.is_fresh


def warm(task: Task, *, made_since: float = 0) -> Outcome:
    """Ask it, unless there is an answer – or only one kept before `made_since` (unix seconds)."""
    began = time.monotonic()
    transcript = plain.gather(answering.answer(task.question, made_since=made_since, warm=True).read())
    finish = transcript.finish
    assert finish is not None
    seconds = time.monotonic() - began
    if finish.degraded is not None:
        result: Result = "failed" if finish.degraded.reason == "ai_rejected" else "unavailable"
        return Outcome(task, result, finish.degraded.reason, seconds, retry_after=finish.degraded.retry_after)
    if finish.origin == "cache":
        return Outcome(task, "unchanged", seconds=seconds)
    if finish.origin != "ai" or finish.ending != "stop":
        return Outcome(task, "failed", finish.ending, seconds)
    tokens = finish.usage.prompt_tokens + finish.usage.completion_tokens if finish.usage else 0
    return Outcome(task, "kept", seconds=seconds, tokens=tokens)
