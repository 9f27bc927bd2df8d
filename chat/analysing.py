"""The story of one document: we find its facts, the AI explains it; when it can't, we say what we found."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextvars import copy_context
from dataclasses import asdict, replace

from django.conf import settings

from chat import documents, fallbacks, minutes, prompts, receipts
from chat.documents import Document
from chat.events import Event, Finish, Notice, Start
from chat.questions import Language
from chat.receipts import Asking, Making
from chat.runs import Run
from chat.upstream import openai, rag, session
from chat.upstream.errors import AIError, AIInterrupted
from chat.upstream.exchange import Exchange
from observability import logs

log = logs.get_logger(__name__)


class Analysis:
    """One document being explained, to one reader. It lives in memory alone: nothing of it is kept anywhere."""

    def __init__(self, document: Document, document_type: str, file_name: str, language: Language) -> None:
        self.facts = documents.facts(document.text)
        self.document = document
        self._language = language
        self._exchange = _exchange(documents.discreet(document.text), document_type, file_name, language)
        self._run = Run("")

    def read(self) -> Iterator[Sequence[Event]]:
        """Its events in batches, the facts first; an empty batch says that it is silent. To be read once."""
        threading.Thread(target=copy_context().run, args=(self._write,), daemon=True).start()
        yield from self._run.read()

    def leave(self) -> None:
        """End it, also upstream: nobody reads it any more."""
        self._run.cancel()

    def _write(self) -> None:
        try:
            for event in self._events():
                self._run.append([event])
        except Exception:
            log.exception("Analysis failed")
        if not self._run.has_ended:
            self._run.append(fallbacks.cut_short(self._language))

    def _events(self) -> Iterator[Event]:
        yield Start(settings.AI_SERVICE_MODEL)
        yield Notice("facts", "", asdict(self.facts))
        if self.document.pages_read < self.document.pages:
            yield fallbacks.read_in_part(self.document, self._language)
        asking, making = Asking("document"), Making(deadline_seconds=settings.AI_DEADLINE_ANALYZE)
        for event in self._told(making):
            if isinstance(event, Finish):
                event = making.noted_on(event)  # noqa: PLW2901 the same, and what is known of it now
                minutes.answered("analyze", event.origin)
                receipts.keep(asking.receipt("leader", event))
            yield event

    def _told(self, making: Making) -> Iterator[Event]:
        """What the AI says of it; what we say in its place when it can't."""
        try:
            yield from self._ask_ai(making)
        except AIInterrupted as error:
            making.error = error.code
            yield from fallbacks.cut_short(self._language)
        except AIError as error:
            making.error = error.code
            yield from fallbacks.for_document(self.facts, self._language, error)

    def _ask_ai(self, making: Making) -> Iterator[Event]:
        call = session.get().perform(self._exchange)
        making.attempts = call.attempts
        self._run.on_cancel(call.close)
        for event in call:
            if isinstance(event, Finish):
                yield replace(event, suggestions=event.suggestions or fallbacks.next_steps(self._language))
                return
            yield event
        raise AIInterrupted("interrupted", "client_left")


def _exchange(text: str, document_type: str, file_name: str, language: Language) -> Exchange:
    """What the AI is asked. It has no need of anybody's social security number: `text` comes without."""
    if settings.AI_SERVICE_PROTOCOL == "rag":
        return rag.analysis(prompts.beginning(text), document_type, file_name, language)
    return openai.analysis(prompts.for_analysis(text, document_type, language), settings.AI_SERVICE_MODEL, language)
