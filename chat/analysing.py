"""The story of one document: we find its facts, the AI explains it; when it can't, we say what we found."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from chat import documents, fallbacks, prompts
from chat.documents import Facts
from chat.events import Degraded, Finish
from chat.questions import Language
from chat.transcripts import Transcript
from chat.upstream import openai, rag, session
from chat.upstream.errors import AIError
from chat.upstream.exchange import Exchange
from observability import metrics


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a document says, what is in it, and what to do next."""

    text: str
    facts: Facts
    suggestions: tuple[str, ...]
    degraded: Degraded | None


def analyse(text: str, document_type: str, file_name: str, language: Language) -> Analysis:
    """Explain a document in plain words. Nothing of it is kept."""
    facts = documents.facts(text)
    try:
        finish, said = _ask_ai(text, document_type, file_name, language)
    except AIError as error:
        metrics.ANSWERS.labels("analyze", "fallback").inc()
        said = fallbacks.for_document(facts, language, error)
        return Analysis(said, facts, fallbacks.next_steps(language), fallbacks.degraded(error))
    metrics.ANSWERS.labels("analyze", "ai").inc()
    return Analysis(said, facts, finish.suggestions or fallbacks.next_steps(language), None)


def _ask_ai(text: str, document_type: str, file_name: str, language: Language) -> tuple[Finish, str]:
    transcript = Transcript(session.get().perform(_exchange(text, document_type, file_name, language)))
    assert transcript.finish is not None
    return transcript.finish, transcript.text


def _exchange(text: str, document_type: str, file_name: str, language: Language) -> Exchange:
    if settings.AI_SERVICE_PROTOCOL == "rag":
        return rag.analysis(text, document_type, file_name, language)
    return openai.analysis(prompts.for_analysis(text, document_type, language), settings.AI_SERVICE_MODEL, language)
