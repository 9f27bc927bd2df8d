"""The notice that precedes the answer to a message in distress: whom to call, by the kinds of distress in it."""

from __future__ import annotations

from chat.core.question import Question
from chat.pipeline import distress, help_lines
from chat.pipeline.distress_topics import Distress, NoticeTopic
from observability import unexpected_errors

DANGERS_TO_LIFE: frozenset[Distress] = frozenset({"suicide", "medical"})
# Messages after one about suicide or a child's death that get no suggestions; after suicide with a short reminder.
AFTERMATH_MESSAGES = 2


def kinds_of(text: str) -> tuple[Distress, ...]:
    """The kinds of distress in a message; none if detecting fails."""
    with unexpected_errors.survived("answer"):
        return distress.detect(text)
    return ()


def earlier_kinds(question: Question) -> tuple[Distress, ...]:
    """The distress of one of the last AFTERMATH_MESSAGES that outlasts it: suicide first, else a child's death."""
    before = [kinds_of(text) for text in question.earlier[-AFTERMATH_MESSAGES:]]
    kinds: tuple[Distress, ...] = ("suicide", "grief")
    return next(((kind,) for kind in kinds for each in before if kind in each), ())


def notice_for(question: Question, kinds: tuple[Distress, ...], earlier: tuple[Distress, ...] = ()) -> str:
    """The notice for these kinds, or the reminder after a word of suicide; empty if there is none, or it fails."""
    with unexpected_errors.survived("answer"):
        topics: tuple[NoticeTopic, ...] = ("reminder",)
        if earlier != ("suicide",):
            topics = help_lines.notice_topics(_likely_in_conversation(kinds, question), question.text)
        return help_lines.notice(topics, question.language)
    return ""


def _likely_in_conversation(kinds: tuple[Distress, ...], question: Question) -> tuple[Distress, ...]:
    """Of two likely kinds that of the message before, if it is one of them: `elle a froid` after a night outside.

    Both where the other one is a danger to life.
    """
    before = kinds_of(question.earlier[-1])[:1] if len(kinds) > 1 and question.earlier else ()
    others = set(kinds).difference(before)
    return before if set(before) & set(kinds) and not others & DANGERS_TO_LIFE else kinds
