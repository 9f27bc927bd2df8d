"""The notice that precedes the answer to a message."""

from __future__ import annotations

from chat.core.language import Language
from chat.core.question import Question
from chat.pipeline import question_answering


def notice_on(text: str, language: Language = "fr") -> str:
    """Empty for a calm message."""
    return question_answering.distress_notice(Question(text, language, ""), question_answering.detect_distress(text))
