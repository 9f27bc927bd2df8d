"""An analysis of a document without the AI, and what one with the AI leaves out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import override

from chat.core.events import Degraded, Delta, Event, Finish, Notice
from chat.core.language import Language
from chat.documents.fact_labels import MAY_END_LATER, label_of
from chat.documents.facts import Date, Facts
from chat.documents.reading import Document
from chat.documents.unreadable import Unread
from chat.pipeline import fallbacks
from chat.upstream.errors import AIError


def without_ai(facts: Facts, language: Language, error: AIError) -> list[Event]:
    """The dates, amounts and references found in the text, in place of an explanation."""
    reason = fallbacks.degraded(error)
    with override(language):
        notice = fallbacks.notice("degraded", fallbacks.explanation(error), reason)
        text = _facts_as_markdown(facts, reason)
    return [notice, Delta(text), Finish("fallback", degraded=reason, suggestions=next_steps(language))]


def partial_read_notice(document: Document, language: Language) -> Notice:
    """The notice that names the parts of the document that were not read and are missing from the explanation."""
    unread = document.unread
    is_only_long = all(each.part == "page" and each.reason in {"too_slow", "too_many_pages"} for each in unread)
    with override(language):
        if is_only_long:
            text = _("I could read {read} of the {pages} pages. For the others, send me fewer pages at a time.")
        else:
            text = _("I could not read all of it: {parts}. Please look at that yourself, or send me a photo of it.")
        text = text.format(read=document.pages_read, pages=document.pages, parts=_unread_parts(unread))
    return Notice("partial", text, document.extent())


def _unread_parts(unread: Sequence[Unread]) -> str:
    """`page 2, a picture on page 3`: each part once, in the active language."""
    names = {
        ("page", True): _("page {page}"),
        ("picture", True): _("a picture on page {page}"),
        ("attachment", False): _("an attached file"),
        ("rest", False): _("the end of this very long text"),
    }
    parts = (names.get((each.part, each.page is not None), _("a picture")).format(page=each.page) for each in unread)
    return ", ".join(dict.fromkeys(parts))


def truncated_notice(document: Document, language: Language) -> Notice:
    """Reports that the AI gets only the beginning of a long document; its facts come from what was read of it."""
    with override(language):
        if document.unread:
            text = _("This document is long: the explanation is about its beginning.")
        else:
            text = _(
                "This document is long: the explanation is about its beginning. Dates and amounts come from all of it."
            )
    return Notice("partial", text, {})


def unanswered_text_notice(language: Language) -> Notice:
    """Reports that a message with a document was answered with the document's analysis alone."""
    with override(language):
        text = _("I explain the document here. To ask something about it, write to me with the words that matter.")
    return Notice("partial", text, {})


def _facts_as_markdown(facts: Facts, reason: Degraded) -> str:
    """The facts as a Markdown list, with an apology before it and a caution after it."""
    rows = [
        *((label_of(date.kind), _written(date)) for date in facts.dates),
        *((label_of("amount"), amount.text) for amount in facts.amounts),
        *((label_of(reference.kind), reference.text) for reference in facts.references),
    ]
    opening = _("I'm sorry: I can't explain this document just now. You can hand it to me again {when}.").format(
        when=fallbacks.retry_phrase(reason.retry_after)
    )
    found = _("Here is what I found in it:") if rows else _("I found no date, amount or reference in it.")
    caution = _("Please check it against the document itself, above all the deadlines.")
    items = "\n".join(f"- **{name}** – {text}" for name, text in rows)
    return "\n\n".join(part for part in (opening, found, items, caution if rows else "") if part)


def _written(date: Date) -> str:
    """The date as in the letter; after a period, its computed last day, or that it may end later."""
    if date.iso is None or date.basis is None:
        return date.text
    day = f"{dt.date.fromisoformat(date.iso):%d/%m/%Y}"
    return f"{date.text} ({day})" if date.certain else MAY_END_LATER.format(day=day, period=date.text)


def next_steps(language: Language) -> tuple[str, ...]:
    """The questions suggested after a document analysis."""
    with override(language):
        return (
            _("How do I contest an MDPH decision?"),
            _("Who can help me with my paperwork?"),
            _("What happens if I miss a deadline?"),
        )
