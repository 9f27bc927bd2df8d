"""Fills the answer cache with the answers to the knowledge base's questions, before anyone asks them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Literal, cast

from chat import knowledge
from chat.core.language import Language
from chat.core.question import Question
from chat.models import KnowledgeEntry
from chat.pipeline import question_answering
from chat.storage import answer_cache

Result = Literal["cached", "unchanged", "failed", "unavailable"]
UNAVAILABLE_REASONS = {
    "circuit_open",
    "overloaded",
    "ai_misconfigured",
    "over_budget",
}  # other questions would fail too
TRANSIENT_REASONS = {"timeout", "ai_error"}  # may be the first failures of an outage
CACHE_UNAVAILABLE = "cache_unavailable"
DEFAULT_CONCURRENCY = 4


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
    """The result of a task. `reason` is a code; `retry_after` is in seconds, None if the AI named no time.

    `unchanged`: the answer was cached already, or another process was generating it. An answer that is not in the cache
    afterwards, because it is too long for instance, has `failed` with the reason `not_stored`.
    """

    task: Task
    result: Result
    reason: str = ""
    seconds: float = 0.0
    tokens: int = 0
    retry_after: int | None = None


def tasks(only: set[str] | None = None) -> Iterator[Task]:
    """All questions of the knowledge base, or only those of the entries with these slugs."""
    for entry in knowledge.current().entries:
        if only is None or entry.slug in only:
            yield from _tasks_of(entry)


def is_warm(task: Task) -> bool:
    """Whether the cache has a fresh answer."""
    cached = answer_cache.get(question_answering.cache_key_of(task.question))
    return cached is not None and cached.is_fresh


def warm_entry(entry: KnowledgeEntry) -> list[Outcome]:
    """Generate the answers to all questions of a saved entry again. Raises django.db.Error."""
    knowledge.refresh()
    outcomes: list[Outcome] = []
    warm_all(_tasks_of(entry), report=outcomes.append, not_before=time.time())
    return outcomes


def warm_all(
    tasks: Iterable[Task],
    *,
    report: Callable[[Outcome], object],
    concurrency: int = DEFAULT_CONCURRENCY,
    rate: float = 0,
    not_before: float = 0,
) -> list[Task]:
    """Warm at most `concurrency` tasks at a time and `rate` a second (0: no limit), until AI or cache are unavailable.

    Calls `report` in this thread for each outcome. Returns the tasks that remain because one is unavailable. On
    KeyboardInterrupt, running tasks are completed and reported, because their answers are paid for.
    """
    waiting, running, failed = deque(tasks), set[Future[Outcome]](), list[Task]()
    is_unavailable = False
    with ThreadPoolExecutor(concurrency) as pool:
        try:
            while running or (waiting and not is_unavailable):
                while waiting and not is_unavailable and len(running) < concurrency:
                    running.add(pool.submit(warm, waiting.popleft(), not_before=not_before))
                    time.sleep(1 / rate if rate else 0)
                for outcome in _take_completed(running):
                    is_unavailable = is_unavailable or outcome.result == "unavailable"
                    if outcome.result == "unavailable" or outcome.reason in TRANSIENT_REASONS:
                        failed.append(outcome.task)
                    report(outcome)
        except KeyboardInterrupt:
            for future in wait(running).done:
                report(future.result())
            raise
    return [*failed, *waiting] if is_unavailable else []


def _take_completed(running: set[Future[Outcome]]) -> Iterator[Outcome]:
    """Wait for at least one future, remove the completed ones from `running` and yield their outcomes."""
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        running.discard(future)
        yield future.result()


def warm(task: Task, *, not_before: float = 0) -> Outcome:
    """Generate the answer, unless one that is not older than `not_before` (unix seconds) is cached.

    Nothing is asked if the cache can't store the answer, not after a wait either: the outcome is CACHE_UNAVAILABLE.
    """
    if not answer_cache.can_store():
        return Outcome(task, "unavailable", CACHE_UNAVAILABLE)
    started_at, began = time.monotonic(), time.time()
    answer = question_answering.answer(task.question, not_before=not_before, purpose="warm_up")
    finish = answer.read_to_end().finish
    assert finish is not None
    seconds = time.monotonic() - started_at
    if finish.degraded is not None:
        result: Result = "unavailable" if finish.degraded.reason in UNAVAILABLE_REASONS else "failed"
        return Outcome(task, result, finish.degraded.reason, seconds, retry_after=finish.degraded.retry_after)
    if finish.origin != "cache" and finish.ending != "stop":
        return Outcome(task, "failed", finish.ending, seconds)
    if answer.role != "leader" or finish.origin == "cache":
        return Outcome(task, "unchanged", seconds=seconds)
    stored = answer_cache.get(answer.cache_key)
    if stored is None or stored.created < began:
        return Outcome(task, "failed", "not_stored", seconds)
    tokens = finish.usage.prompt_tokens + finish.usage.completion_tokens if finish.usage else 0
    return Outcome(task, "cached", seconds=seconds, tokens=tokens)


def _tasks_of(entry: KnowledgeEntry) -> Iterator[Task]:
    for text in entry.questions:
        yield Task(entry.slug, cast("Language", entry.language), text)
