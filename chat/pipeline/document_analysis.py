"""Analyses one document: sends its facts, then the AI's explanation; without the AI, the facts alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextvars import copy_context
from dataclasses import asdict, replace

from django.conf import settings

from chat.core.events import STOPPED, Delta, Event, Finish, Notice, Start
from chat.core.language import Language
from chat.documents.reading import Document
from chat.pipeline import document_fallbacks, fallbacks
from chat.pipeline.ai_call import ask, ask_in_order
from chat.pipeline.silence import Silence
from chat.runs import Run
from chat.storage import ai_statistics, budgets, fleet_counters, provenance
from chat.storage.provenance import GenerationTrace, Provenance, RequestTrace
from chat.upstream import compose, prompts
from chat.upstream.compose import MaskedDocument
from chat.upstream.errors import AIError, AIInterrupted, internal_error, over_budget
from chat.upstream.http.cancel_scope import Deadline
from chat.upstream.service import AIService
from observability import masking, unexpected_errors
from observability.caller import Caller


class DocumentAnalysis:
    """The analysis of one document for one reader. The document stays in memory; kept_analysis stores what is kept."""

    def __init__(  # noqa: PLR0913 all that one analysis depends on, each named
        self,
        document: Document,
        document_type: str,
        file_name: str,
        language: Language,
        *,
        caller: Caller,
        caller_token: str = "",
    ) -> None:
        self._caller = caller
        self.document = document
        self._language = language
        self._is_truncated = False
        self._masked: MaskedDocument | None = None
        with unexpected_errors.survived("document"):
            if text := document.text:
                self._is_truncated = len(prompts.truncated(text)) < len(text)
                self._masked = MaskedDocument(text, document_type, masking.mask(file_name), language, caller_token)
        with unexpected_errors.survived("document"):
            document.extract.raise_errors()
        self._run = Run("")
        self._request_trace = RequestTrace("document")

    def read(self) -> Iterator[Sequence[Event]]:
        """Batches of events, the facts first; an empty batch reports silence. Can be called once."""
        threading.Thread(target=copy_context().run, args=(self._write,), daemon=True).start()
        yield from self._run.read()

    def cancel(self) -> None:
        """End the analysis and its upstream call."""
        self._run.cancel()

    @property
    def is_cancelled(self) -> bool:
        return self._run.is_cancelled

    def provenance(self, finish: Finish | None) -> Provenance:
        """The provenance record; without the explanation's end while `finish` is None."""
        return self._request_trace.provenance("leader", finish)

    def _write(self) -> None:
        with unexpected_errors.survived("document"):
            for event in self._events():
                self._run.append([event])
        if not self._run.has_ended:
            self._run.append(self._ending_after_error())

    def _ending_after_error(self) -> Sequence[Event]:
        if self._run.has_text or self._run.is_cancelled:
            return fallbacks.interrupted_ending(self._language)
        return document_fallbacks.without_ai(self.document.facts, self._language, internal_error())

    def _events(self) -> Iterator[Event]:
        yield Start()
        yield Notice("facts", "", asdict(self.document.facts))
        if self.document.unread:
            yield document_fallbacks.partial_read_notice(self.document, self._language)
        if self._is_truncated:
            yield document_fallbacks.truncated_notice(self.document, self._language)
        trace = GenerationTrace(deadline_seconds=settings.AI_DEADLINE_ANALYZE)
        for event in self._explain(trace):
            if isinstance(event, Finish):
                with unexpected_errors.survived("provenance"):
                    event = trace.attach_to(event)  # noqa: PLW2901 the same event with the trace
                    fleet_counters.count_answer("analyze", event.origin)
                    ai_statistics.count(event)
                    provenance.save(self.provenance(event))
            yield event

    def _explain(self, trace: GenerationTrace) -> Iterator[Event]:
        """The AI's explanation, or a fallback if the AI fails."""
        try:
            with Silence(self._run, self._language) as silence:
                for event in self._call_ai(trace):
                    if isinstance(event, Delta):
                        silence.end()
                    yield event
        except AIInterrupted as error:
            trace.error = error.code
            yield from fallbacks.interrupted_ending(self._language)
        except AIError as error:
            trace.error = error.code
            yield from document_fallbacks.without_ai(self.document.facts, self._language, error)

    def _call_ai(self, trace: GenerationTrace) -> Iterator[Event]:
        """The events of the first AI that answers, within one deadline. Raises AIError."""
        spent = budgets.spend_answer(self._caller)
        if spent is None:
            raise over_budget(budgets.seconds_until_reset())
        self._run.on_end(spent.settle)
        deadline = Deadline.after(settings.AI_DEADLINE_ANALYZE)
        yield from ask_in_order(lambda ai: self._ask(ai, deadline, trace))

    def _ask(self, ai: AIService, deadline: Deadline, trace: GenerationTrace) -> Iterator[Event]:
        if self._masked is None:
            raise internal_error()
        request = compose.analysis(ai, self._masked)
        for event in ask(ai, request, run=self._run, trace=trace, deadline=deadline):
            if isinstance(event, Finish) and event is not STOPPED:
                yield replace(event, suggestions=event.suggestions or document_fallbacks.next_steps(self._language))
                return
            yield event
