"""Generates a new answer: the producer of a run, in the process that leads the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from time import perf_counter

from django.conf import settings

from chat import knowledge
from chat.core.events import Delta, Event, Finish, Notice, Start
from chat.core.question import Passage, Question
from chat.pipeline import fallbacks, help_lines
from chat.pipeline.citations import Citations
from chat.pipeline.failover import ask_in_order
from chat.pipeline.replay import replay
from chat.pipeline.silence import Silence
from chat.pipeline.token_spending import counted
from chat.runs import Run
from chat.storage import answer_cache
from chat.storage.answer_cache import CachedAnswer
from chat.storage.provenance import GenerationTrace
from chat.upstream import compose, service, session
from chat.upstream.errors import AIError, AIInterrupted, internal_error
from chat.upstream.http.cancel_scope import Deadline
from chat.upstream.service import AIService
from observability import unexpected_errors


@dataclass(frozen=True, eq=False)
class AnswerJob:
    """Answers one question with the AI, else with a second one, else with a fallback; caches an AI's complete answer.

    `stale` is the cached answer that is to be replaced, and the first fallback. Times are unix seconds. `warm` selects
    the longer cache lifetime. A background job, which nobody waits for, does not ask the second AI.
    """

    question: Question
    passages: Sequence[Passage]
    cache_key: str
    stale: CachedAnswer | None
    distress_notice: str
    not_before: float
    warm: bool
    is_background: bool
    refusal: AIError | None = None  # why the AI is not asked: a fault of this program, or a budget

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
        if newer is not None and self._is_usable(newer):
            return chain.from_iterable(replay(newer, self.distress_notice))
        trace = GenerationTrace(self.passages, settings.AI_DEADLINE_CHAT)
        return self._cache_at_end(run, trace, self._generate(run, trace))

    @property
    def usable_answer(self) -> CachedAnswer | None:
        """The cached answer, unless a new one is due or was asked for."""
        cached = self.stale
        return cached if cached is not None and cached.is_current and cached.created >= self.not_before else None

    @property
    def _oldest_allowed(self) -> float:
        return max(self.not_before, self.stale.created if self.stale else 0)

    def _generate(self, run: Run, trace: GenerationTrace) -> Iterator[Event]:
        """The AI's answer, or a fallback if the AI fails."""
        yield from self._opening(run)
        article = None if self.distress_notice else fallbacks.fitting_article(self.passages)
        with Silence(run, self.question.language, article) as silence:
            for event in self._answer_or_fallback(run, trace):
                if isinstance(event, Delta):
                    silence.end()
                yield self._for_asker(event)

    def _opening(self, run: Run) -> Iterator[Event]:
        """The events before any wait or text. A run after a lost leader or an error may have them already."""
        if not run.events:
            yield Start(settings.AI_SERVICE_MODEL)
        if self.distress_notice and not any(isinstance(event, Notice) and event.kind == "help" for event in run.events):
            yield Notice("help", self.distress_notice, {})

    def _answer_or_fallback(self, run: Run, trace: GenerationTrace) -> Iterator[Event]:
        try:
            if self.refusal is not None:
                raise self.refusal
            yield from self._call_ai(run, trace)
        except AIInterrupted as error:
            trace.error = error.code
            yield from fallbacks.interrupted_ending(self.question.language)
        except AIError as error:
            stale = self.stale or self.answer_of_fallback()
            trace.error, trace.older = error.code, stale
            yield from fallbacks.ladder(self.question, error, stale, in_distress=bool(self.distress_notice))

    def _after_error(self, run: Run) -> Iterator[Event]:
        """The last events after an unexpected error: a fallback if there is no text yet, else an interrupted end."""
        if run.has_text:
            yield from fallbacks.interrupted_ending(self.question.language)
            return
        yield from self._opening(run)
        ladder = fallbacks.ladder(self.question, internal_error(), self.stale, in_distress=bool(self.distress_notice))
        yield from map(self._for_asker, ladder)

    def _for_asker(self, event: Event) -> Event:
        """The event. A person in distress gets no suggestions."""
        return replace(event, suggestions=()) if self.distress_notice and isinstance(event, Finish) else event

    def _call_ai(self, run: Run, trace: GenerationTrace) -> Iterator[Event]:
        """The events of the first AI that answers, within one deadline. Raises AIError."""
        deadline = Deadline.after(settings.AI_DEADLINE_CHAT)
        yield from ask_in_order(
            service.configured(), lambda ai: self._ask(ai, deadline, run, trace), lambda: self._is_awaited(run)
        )

    def _is_awaited(self, run: Run) -> bool:
        """Whether a person waits for the answer: somebody may have joined a renewal since it began."""
        if not self.is_background:
            return True
        return not self.warm and (run.has_remote_readers or run.readers.seconds_unread() == 0)

    def _ask(self, ai: AIService, deadline: Deadline, run: Run, trace: GenerationTrace) -> Iterator[Event]:
        """One AI's events, with a source as soon as the text cites it and suggestions at the end. Raises AIError.

        Sources are not sent at the end, because a stopped or interrupted answer must have them too.
        """
        if ai.role == "fallback" and (cached := self.answer_of_fallback()) and self._is_usable(cached):
            yield from islice(chain.from_iterable(replay(cached, "")), 1, None)  # without its Start
            return
        request, passages = compose.chat(
            ai, self.question, self.passages, help_lines.as_markdown(self.question.language)
        )
        trace.fitting = None if ai.protocol == "rag" else len(passages)
        citations = Citations(passages)

        def push(text: str) -> None:
            run.push(text)
            if sources := citations.of(text):
                run.append(sources)

        ai_session = session.get(ai)
        with closing(
            ai_session.stream(request, deadline=deadline, is_background=self.is_background, push=push)
        ) as call:
            trace.begin_call(ai.role, ai.model, call.attempts)
            run.on_cancel(call.close)
            for event in counted(call, request, run):
                if not isinstance(event, Finish):
                    yield event
                    if isinstance(event, Delta):
                        yield from citations.of(event.text)
                    continue
                if notice := fallbacks.incomplete_notice(event, self.question.language):
                    yield notice
                degraded = event.degraded or fallbacks.degraded_by_ending(event.ending)
                yield replace(event, degraded=degraded, suggestions=event.suggestions or self._suggestions())
                return
        yield Finish("ai", ending="stopped")  # the call was cancelled

    def answer_of_fallback(self) -> CachedAnswer | None:
        """The second AI's cached answer, if there is one."""
        if not settings.AI_SERVICE_FALLBACK_URL:
            return None
        with unexpected_errors.survived("cache"):
            return answer_cache.get(answer_cache.key_for(self.cache_key, "fallback"))
        return None

    def _is_usable(self, cached: CachedAnswer) -> bool:
        return cached.is_current and cached.created > self._oldest_allowed

    def _cache_at_end(self, run: Run, trace: GenerationTrace, events: Iterator[Event]) -> Iterator[Event]:
        """The same events. Adds the trace to the end and caches the answer before the end is published."""
        started_at = perf_counter()
        for event in events:
            if isinstance(event, Finish):
                if event.origin != "cache":  # the second AI's cached answer brings its own
                    with unexpected_errors.survived("provenance"):
                        event = trace.attach_to(event)  # noqa: PLW2901 the same event with the trace
                cost_ms = int((perf_counter() - started_at) * 1000)
                answer = [*run.events, event]
                with unexpected_errors.survived("cache"):
                    key = answer_cache.key_for(self.cache_key, trace.service)
                    if command := answer_cache.command_to_put(key, answer, cost_ms, warm=self.warm):
                        run.add_final_write(partial(tuple, [command]))
            yield event

    def _suggestions(self) -> tuple[str, ...]:
        return knowledge.suggestions(self.passages, self.question.language, self.question.text)
