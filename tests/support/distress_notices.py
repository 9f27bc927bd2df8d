"""The notice that precedes the answer to a message."""

from __future__ import annotations

from chat.core.language import Language
from chat.core.question import Question
from chat.pipeline import distress_notice


def notice_on(text: str, language: Language = "fr") -> str:
    """Empty for a calm message."""
    return distress_notice.notice_for(Question(text, language, ""), distress_notice.kinds_of(text))
