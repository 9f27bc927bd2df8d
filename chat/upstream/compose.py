"""Builds the request for a question or a document to one AI service, in its protocol and for its model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chat.core.language import Language
from chat.core.question import Passage, Question
from chat.upstream import prompts
from chat.upstream.protocols import openai, rag
from chat.upstream.request import UpstreamRequest
from chat.upstream.service import AIService


@dataclass(frozen=True, slots=True)
class MaskedDocument:
    """A document's text and name, with the identifiers of persons masked.

    `language` is the reader's, `caller_token` as in Question.
    """

    text: str
    kind: str
    file_name: str
    language: Language
    caller_token: str = field(default="", repr=False)


def chat(
    ai: AIService, question: Question, passages: Sequence[Passage], help_lines: str
) -> tuple[UpstreamRequest, Sequence[Passage]]:
    """The request, and the passages that are in its prompt: the first ones, as many as have room there.

    `help_lines` are told to the AI: whom to call in danger.
    """
    if ai.protocol == "rag":
        # Decided before the question is rewritten: the whole history may go into its text.
        user = "" if question.is_public else question.caller_id
        token = _token_for(ai, question.caller_token)
        return rag.chat(prompts.for_rag(question), user, help_lines, caller_token=token), ()
    prompt = prompts.for_chat(question, passages, help_lines)
    return openai.chat(prompt.messages, ai.model, question.language), prompt.passages


def analysis(ai: AIService, document: MaskedDocument) -> UpstreamRequest:
    """The request to explain a document."""
    if ai.protocol == "rag":
        text, token = prompts.truncated(document.text), _token_for(ai, document.caller_token)
        return rag.analysis(text, document.kind, document.file_name, document.language, caller_token=token)
    prompt = prompts.for_analysis(document.text, document.kind, document.language)
    return openai.analysis(prompt, ai.model, document.language)


def _token_for(ai: AIService, caller_token: str) -> str:
    """The caller's own token for the first service; empty for others."""
    return caller_token if ai.role == "primary" else ""
