"""Generates a new answer: the producer of a run, in the process that leads the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Literal

from django.conf import settings

from chat import knowledge
from chat.core.events import STOPPED, Delta, Event, Finish, Notice, Start
from chat.core.question import Passage, Question
from chat.pipeline import fallbacks, help_lines
from chat.pipeline.ai_call import ask, ask_in_order
from chat.pipeline.citations import Citations
from chat.pipeline.replay import in_pieces, replayed
from chat.pipeline.silence import Silence
from chat.runs import Run
from chat.storage import answer_cache, answer_keys
from chat.storage.answer_cache import CachedAnswer
from chat.storage.provenance import GenerationTrace
from chat.upstream import compose
from chat.upstream.errors import AIError, AIInterrupted, internal_error
from chat.upstream.http.cancel_scope import Deadline
from chat.upstream.service import AIService
from observability import unexpected_errors

# A person asked; a cached answer is renewed while a person gets it; the cache warmer asks.
Purpose = Literal["answer", "renewal", "warm_up"]


@dataclass(frozen=True, eq=False)
class AnswerJob:
    """Answers one question with the AI, else with a second one, else with a fallback; caches an AI's complete answer.

    `cached` is the answer in the cache, fresh or stale: the one to replace, and the first fallback. Times are unix
    seconds; an infinite `not_before` wants a new answer in any case. A `warm_up` is cached for longer. The second AI is
    asked only for an `answer`, or for a run that a person has joined.
    """

    question: Question
    passages: Sequence[Passage]
    cache_key: str
    cached: CachedAnswer | None
    distress_notice: str
    not_before: float
    purpose: Purpose
    refusal: AIError | None = None  # why the AI is not asked: a fault of this program, or a budget
    state: fallbacks.State = "calm"

    def __call__(self, run: Run) -> Iterator[Event]:
        """The events for this run; a producer as in chat.runs. An unexpected error ends in a fallback, too."""
        try:
            yield from self._produce(run)
        except Exception:
            if run.is_cancelled:
                raise
            unexpected_errors.report("answer")
            yield from self._after_error(run)

    def _produce(self, run: Run) -> Iterator[Event]:
        # A run that ended between the cache lookup and this one's start may have cached the answer.
        newer = None
        if run.may_have_cached_answer and self.refusal is None:
            with unexpected_errors.survived("cache"):
                newer = answer_cache.get(self.cache_key)
        if newer is not None and self._is_newer(newer):
            return in_pieces(self.replay(newer, self._missing_notice(run)))
        trace = GenerationTrace(self.passages, settings.AI_DEADLINE_CHAT)
        return self._cache_at_end(run, trace, self._generate(run, trace))

    @property
    def usable_answer(self) -> CachedAnswer | None:
        """The cached answer, unless a new one is due or was asked for. The cache warmer renews what has expired."""
        cached = self.cached
        if cached is None or cached.created < self.not_before:
            return None
        is_usable = cached.is_fresh if self.purpose == "warm_up" else cached.is_current
        return cached if is_usable else None

    def replay(self, cached: CachedAnswer, distress_notice: str) -> list[Event]:
        """The events of a cached answer for its asker, after this notice if it is not empty."""
        return list(map(self._omit_suggestions_in_distress, replayed(cached, distress_notice)))

    def _generate(self, run: Run, trace: GenerationTrace) -> Iterator[Event]:
        """The AI's answer, or a fallback if the AI fails."""
        yield from self._opening(run)
        article = None if self.distress_notice else fallbacks.fitting_article(self.passages)
        with Silence(run, self.question.language, article) as silence:
            for event in self._answer_or_fallback(run, trace):
                if isinstance(event, Delta):
                    silence.end()
                yield self._omit_suggestions_in_distress(event)

    def _opening(self, run: Run) -> Iterator[Event]:
        """The events before any wait or text. A run after a lost leader or an error may have the notice already."""
        yield Start()
        if notice := self._missing_notice(run):
            yield Notice("help", notice, {})

    def _missing_notice(self, run: Run) -> str:
        """The distress notice; empty if none is due or the run has it already."""
        has_notice = any(isinstance(event, Notice) and event.kind == "help" for event in run.events)
        return "" if has_notice else self.distress_notice

    def _answer_or_fallback(self, run: Run, trace: GenerationTrace) -> Iterator[Event]:
        try:
            if self.refusal is not None:
                raise self.refusal
            yield from self._call_ai(run, trace)
        except AIInterrupted as error:
            trace.error = error.code
            yield from fallbacks.interrupted_ending(self.question.language)
        except AIError as error:
            older = self.cached or self.cached_by_second_ai()
            trace.error, trace.older = error.code, older
            yield from self._ladder(error, older)

    def _after_error(self, run: Run) -> Iterator[Event]:
        """The last events after an unexpected error: a fallback if there is no text yet, else an interrupted end."""
        if run.has_text:
            yield from fallbacks.interrupted_ending(self.question.language)
            return
        yield from self._opening(run)
        yield from self._ladder(internal_error(), self.cached)

    def _ladder(self, error: AIError, older: CachedAnswer | None) -> Iterator[Event]:
        return fallbacks.ladder(self.question, error, older, self.state, self.distress_notice)

    def _omit_suggestions_in_distress(self, event: Event) -> Event:
        """The event. A person in distress or shortly after it gets no suggestions."""
        return replace(event, suggestions=()) if self.state != "calm" and isinstance(event, Finish) else event

    def _call_ai(self, run: Run, trace: GenerationTrace) -> Iterator[Event]:
        """The events of the first AI that answers, within one deadline. Raises AIError."""
        deadline = Deadline.after(settings.AI_DEADLINE_CHAT)
        yield from ask_in_order(lambda ai: self._ask(ai, deadline, run, trace), lambda: self._is_awaited(run))

    def _is_awaited(self, run: Run) -> bool:
        """Whether a person waits for the answer: a reader may have joined a renewal or a warm-up since it began."""
        return self.purpose == "answer" or run.publication.has_had_remote_readers or run.readers.include_people()

    def _ask(self, ai: AIService, deadline: Deadline, run: Run, trace: GenerationTrace) -> Iterator[Event]:
        """One AI's events, with a source as soon as the text cites it and suggestions at the end. Raises AIError.

        Sources are not sent at the end, because a stopped or interrupted answer must have them too.
        """
        if ai.role == "fallback" and (cached := self.cached_by_second_ai()) and self._is_newer(cached):
            yield from in_pieces(replayed(cached, ""))
            return
        request, passages = compose.chat(
            ai, self.question, self.passages, help_lines.as_markdown(self.question.language)
        )
        trace.fitting = None if ai.protocol == "rag" else len(passages)
        citations = Citations(passages)

        def push(text: str) -> None:
            words, sources = citations.add(text)
            if words:
                run.push(words)
            if sources:
                run.append(sources)

        events = ask(
            ai,
            request,
            run=run,
            trace=trace,
            deadline=deadline,
            is_background=self.purpose != "answer",
            push=push,
        )
        for event in citations.separate(events):
            if isinstance(event, Finish) and event is not STOPPED:
                yield replace(event, suggestions=event.suggestions or self._suggestions())
                return
            yield event

    def cached_by_second_ai(self) -> CachedAnswer | None:
        """The second AI's cached answer, if there is one."""
        if not settings.AI_SERVICE_FALLBACK_URL:
            return None
        with unexpected_errors.survived("cache"):
            return answer_cache.get(answer_keys.key_of_service(self.cache_key, "fallback"))
        return None

    def _is_newer(self, found: CachedAnswer) -> bool:
        """Whether an answer found later can stand for a new one: current, as new as asked for, newer than `cached`."""
        return found.is_current and found.created > max(self.not_before, self.cached.created if self.cached else 0)

    def _cache_at_end(self, run: Run, trace: GenerationTrace, events: Iterator[Event]) -> Iterator[Event]:
        """The same events. Adds the trace to the end and caches the answer before the end is published."""
        started_at = perf_counter()
        for event in events:
            if isinstance(event, Finish):
                if event.origin != "cache":  # the second AI's cached answer brings its own
                    with unexpected_errors.survived("provenance"):
                        event = trace.attach_to(event)  # noqa: PLW2901 the same event with the trace
                with unexpected_errors.survived("cache"):
                    self._cache(run, event, trace.service, cost_ms=int((perf_counter() - started_at) * 1000))
            yield event

    def _cache(self, run: Run, finish: Finish, service: str, cost_ms: int) -> None:
        key = answer_keys.key_of_service(self.cache_key, service)
        answer = [*run.events.merged(), finish]
        command = answer_cache.command_to_put(key, answer, cost_ms, warm=self.purpose == "warm_up")
        if command is not None:
            run.add_final_write(lambda _: [command])

    def _suggestions(self) -> tuple[str, ...]:
        """Questions related to the passages; without one, those that most families ask first."""
        if not self.passages:
            return tuple(knowledge.current().openers(self.question.language, limit=3))
        return knowledge.current().suggestions(self.passages, self.question.language, self.question.text)
