"""The story of one document: we find its facts, the AI explains it; when it can't, we say what we found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.conf import settings

from chat import documents, fallbacks, minutes, prompts, receipts
from chat.documents import Facts
from chat.events import Degraded, Event, Finish
from chat.questions import Language
from chat.receipts import Asking, Making
from chat.transcripts import Transcript
from chat.upstream import openai, rag, session
from chat.upstream.errors import AIError, AIInterrupted
from chat.upstream.exchange import Exchange

Attend = Callable[[Iterable[Event], Callable[[], object]], Iterable[Event]]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a document says, what is in it, and what to do next."""

    text: str
    facts: Facts
    suggestions: tuple[str, ...]
    degraded: Degraded | None


def analyse(
    text: str, document_type: str, file_name: str, language: Language, attend: Attend = lambda said, leave: said
) -> Analysis:
    """Explain a document in plain words. Nothing of it is kept.

    `attend` reads what the AI says for as long as somebody waits for it, else calls what ends it.
    """
    facts = documents.facts(text)
    asking, making = Asking("document"), Making(deadline_seconds=settings.AI_DEADLINE_ANALYZE)
    try:
        finish, said = _ask_ai(_exchange(text, document_type, file_name, language), attend, making)
    except AIError as error:
        making.error = error.code
        _keep_receipt(asking, making, Finish("fallback", degraded=fallbacks.degraded(error)))
        minutes.answered("analyze", "fallback")
        said = fallbacks.for_document(facts, language, error)
        return Analysis(said, facts, fallbacks.next_steps(language), fallbacks.degraded(error))
    _keep_receipt(asking, making, finish)
    minutes.answered("analyze", "ai")
    return Analysis(said, facts, finish.suggestions or fallbacks.next_steps(language), None)


def _ask_ai(exchange: Exchange, attend: Attend, making: Making) -> tuple[Finish, str]:
    call = session.get().perform(exchange)
    making.attempts = call.attempts
    transcript = Transcript(attend(call, call.close))
    if transcript.finish is None:
        raise AIInterrupted("interrupted", "client_left")
    return transcript.finish, transcript.text


def _keep_receipt(asking: Asking, making: Making, finish: Finish) -> None:
    receipts.keep(asking.receipt("leader", making.noted_on(finish)))


def _exchange(text: str, document_type: str, file_name: str, language: Language) -> Exchange:
    if settings.AI_SERVICE_PROTOCOL == "rag":
        return rag.analysis(text, document_type, file_name, language)
    return openai.analysis(prompts.for_analysis(text, document_type, language), settings.AI_SERVICE_MODEL, language)
