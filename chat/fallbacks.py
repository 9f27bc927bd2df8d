"""What is said when the AI can't answer, best rung first: an older answer, an article that really fits, kind words."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from math import ceil
from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from chat import help_lines, knowledge
from chat.cache import Kept
from chat.documents import Document, Facts
from chat.documents.naming import named
from chat.events import Degraded, DegradedReason, Delta, Event, Finish, Notice, Source
from chat.questions import Language, Passage, Question
from chat.upstream.errors import AIError


def ladder(question: Question, error: AIError, stale: Kept | None) -> Iterator[Event]:
    """An answer without the AI, in the question's language, and a notice that says what it is."""
    with override(question.language):
        if stale is not None:
            rung = _older_answer(stale, error)
        elif article := _fitting_article(question):
            rung = _article(article, question, error)
        else:
            rung = _kind_words(question, error)
    yield from rung


@cache  # made ready for every answer, needed by hardly any
def cut_short(language: Language) -> tuple[Event, ...]:
    """How an answer ends whose writer was lost in the middle."""
    with override(language):
        text = _("The answer was interrupted here. What you can read is kept; you can ask again for the rest.")
    why = Degraded("interrupted")
    return _notice("interrupted", text, why), Finish("ai", ending="interrupted", degraded=why)


def for_document(facts: Facts, language: Language, error: AIError) -> list[Event]:
    """What can be said of a document without the AI: the dates, amounts and references found in it."""
    why = degraded(error)
    with override(language):
        text, notice = _found(facts, why), _notice("degraded", _what_happened(error.reason), why)
    return [notice, Delta(text), Finish("fallback", degraded=why, suggestions=next_steps(language))]


def read_in_part(document: Document, language: Language) -> Notice:
    """That there was time for some pages of a long scan only."""
    with override(language):
        text = _("I could read {read} of the {pages} pages. For the others, send me fewer pages at a time.")
    told = text.format(read=document.pages_read, pages=document.pages)
    return Notice("partial", told, {"pages": document.pages, "pagesRead": document.pages_read})


def _found(facts: Facts, why: Degraded) -> str:
    """The facts as a Markdown list, between kind words."""
    rows = [
        *((named(date.kind), date.text) for date in facts.dates),
        *((named("amount"), amount.text) for amount in facts.amounts),
        *((named(reference.kind), reference.text) for reference in facts.references),
    ]
    opening = _("I'm sorry: I can't explain this document just now. You can hand it to me again {when}.").format(
        when=_when(why.retry_after)
    )
    found = _("Here is what I found in it:") if rows else _("I found no date, amount or reference in it.")
    care = _("Please check it against the document itself, above all the deadlines.")
    listed = "\n".join(f"- **{name}** – {text}" for name, text in rows)
    return "\n\n".join(part for part in (opening, found, listed, care if rows else "") if part)


def next_steps(language: Language) -> tuple[str, ...]:
    """What may be asked after a document."""
    with override(language):
        return (
            _("How do I contest an MDPH decision?"),
            _("Who can help me with my paperwork?"),
            _("What happens if I miss a deadline?"),
        )


def degraded(error: AIError) -> Degraded:
    """Why an answer is not the AI's own."""
    return Degraded(error.reason, _whole(error.retry_after))


def _older_answer(stale: Kept, error: AIError) -> list[Event]:
    why = Degraded(error.reason, _whole(error.retry_after), stale.age_seconds)
    text = _("{what} Here is an answer given {age} to the same question.").format(
        what=_what_happened(error.reason), age=_age(stale.age_seconds)
    )
    said = [event for event in stale.events if isinstance(event, Delta | Source)]
    suggestions = next((event.suggestions for event in stale.events if isinstance(event, Finish)), ())
    return [_notice("degraded", text, why), *said, Finish("stale", degraded=why, suggestions=suggestions)]


def _fitting_article(question: Question) -> Passage | None:
    found = knowledge.search(question.text, question.language, limit=1)
    return found[0] if found and found[0].score >= knowledge.GOOD_FIT else None


def _article(article: Passage, question: Question, error: AIError) -> list[Event]:
    why = degraded(error)
    text = _("{what} This is an article from our knowledge base, not an answer written for you.").format(
        what=_what_happened(error.reason)
    )
    return [
        _notice("degraded", text, why),
        Delta(f"**{article.title}**\n\n{article.text.strip()}"),
        Source(article.slug, f"{article.title} – {article.source_name}", article.source_url),
        Finish(
            "knowledge",
            degraded=why,
            suggestions=knowledge.suggestions([article], question.language, question.text),
        ),
    ]


def _kind_words(question: Question, error: AIError) -> list[Event]:
    why = degraded(error)
    text = _(
        "I'm sorry: I can't answer you just now, and your question deserves better than a guess. "
        "It is kept, and you can ask it again {when}.\n\n"
        "If it can't wait, these people can help you, free of charge:"
    ).format(when=_when(why.retry_after))
    return [
        _notice("degraded", _what_happened(error.reason), why),
        Delta(f"{text}\n\n{help_lines.as_markdown(question.language)}"),
        Finish("fallback", degraded=why, suggestions=tuple(knowledge.openers(question.language, limit=3))),
    ]


def _notice(kind: Literal["degraded", "interrupted"], text: str, why: Degraded) -> Notice:
    return Notice(kind, text, why.as_json())


def _what_happened(reason: DegradedReason) -> str:
    if reason == "overloaded":
        return _("Many people are asking at this moment, and the assistant can't take more questions.")
    if reason == "ai_rejected":
        return _("The assistant could not take this question.")
    return _("The assistant is not available at this moment.")


def _when(retry_after: int | None) -> str:
    if retry_after is None or retry_after < 60:
        return _("in a minute")
    minutes = ceil(retry_after / 60)
    return ngettext("in about {count} minute", "in about {count} minutes", minutes).format(count=minutes)


def _age(seconds: int) -> str:
    days, hours, minutes = seconds // 86400, seconds // 3600, seconds // 60
    if days:
        return ngettext("{count} day ago", "{count} days ago", days).format(count=days)
    if hours:
        return ngettext("{count} hour ago", "{count} hours ago", hours).format(count=hours)
    if minutes:
        return ngettext("{count} minute ago", "{count} minutes ago", minutes).format(count=minutes)
    return _("a moment ago")


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else max(1, ceil(seconds))
