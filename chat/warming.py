"""Answering the knowledge base's questions ahead of time, so that people find the answer waiting."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Literal, cast

from chat import answering, cache, knowledge
from chat.models import KnowledgeEntry
from chat.questions import Language, Question
from chat.wire import plain

Result = Literal["kept", "unchanged", "failed", "unavailable"]
AWAY = {"circuit_open", "overloaded"}  # no other question would be answered either
PASSING = {"timeout", "ai_error"}  # may have been the beginning of that
AT_A_TIME = 4


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
    """What became of a task; `reason` is a code, `retry_after` seconds where somebody said so.

    `unchanged`: an answer was there, or somebody else was just making it.
    """

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
            yield from _tasks_of(entry)


def is_warm(task: Task) -> bool:
    """Whether a fresh answer to it is kept already."""
    kept = cache.look(answering.key_of(task.question))
    return kept is not None and kept.is_fresh


def warm_entry(entry: KnowledgeEntry) -> list[Outcome]:
    """Ask all questions of one entry, as saved, anew. Raises django.db.Error when that can't be told."""
    knowledge.refresh()
    outcomes: list[Outcome] = []
    warm_all(_tasks_of(entry), tell=outcomes.append, made_since=time.time())
    return outcomes


def warm_all(
    tasks: Iterable[Task],
    *,
    tell: Callable[[Outcome], object],
    concurrency: int = AT_A_TIME,
    rate: float = 0,
    made_since: float = 0,
) -> list[Task]:
    """Ask at most `concurrency` at a time and `rate` a second (0: no limit), and no more once the AI is away.

    Each outcome is told in this thread. Returns what remains to be asked because the AI is away. When interrupted, what
    was already asked is heard to its end, because it is paid for, and told.
    """
    left, running, failed = deque(tasks), set[Future[Outcome]](), list[Task]()
    is_away = False
    with ThreadPoolExecutor(concurrency) as pool:
        try:
            while running or (left and not is_away):
                while left and not is_away and len(running) < concurrency:
                    running.add(pool.submit(warm, left.popleft(), made_since=made_since))
                    time.sleep(1 / rate if rate else 0)
                for outcome in _heard(running):
                    is_away = is_away or outcome.result == "unavailable"
                    if outcome.result == "unavailable" or outcome.reason in PASSING:
                        failed.append(outcome.task)
                    tell(outcome)
        except KeyboardInterrupt:
            for future in wait(running).done:
                tell(future.result())
            raise
    return [*failed, *left] if is_away else []


def _heard(running: set[Future[Outcome]]) -> Iterator[Outcome]:
    """The outcomes of those that have ended, one at least, which is waited for. They run no more."""
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        running.discard(future)
        yield future.result()


def warm(task: Task, *, made_since: float = 0) -> Outcome:
    """Ask it, unless there is an answer – or only one kept before `made_since` (unix seconds)."""
    began = time.monotonic()
    answer = answering.answer(task.question, made_since=made_since, warm=True)
    finish = plain.gather(answer.read()).finish
    assert finish is not None
    seconds = time.monotonic() - began
    if finish.degraded is not None:
        result: Result = "unavailable" if finish.degraded.reason in AWAY else "failed"
        return Outcome(task, result, finish.degraded.reason, seconds, retry_after=finish.degraded.retry_after)
    if finish.origin != "cache" and finish.ending != "stop":
        return Outcome(task, "failed", finish.ending, seconds)
    if answer.run is None or not answer.run.is_led_here or finish.origin == "cache":
        return Outcome(task, "unchanged", seconds=seconds)
    tokens = finish.usage.prompt_tokens + finish.usage.completion_tokens if finish.usage else 0
    return Outcome(task, "kept", seconds=seconds, tokens=tokens)


def _tasks_of(entry: KnowledgeEntry) -> Iterator[Task]:
    for text in entry.questions:
        yield Task(entry.slug, cast("Language", entry.language), text)
