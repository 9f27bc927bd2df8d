"""Answers without the AI, best first: a stale cached answer, a well-matching article, an apology with help lines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from math import ceil
from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from chat import knowledge
from chat.core.events import Degraded, Delta, Ending, Event, Finish, Notice, Source
from chat.core.language import Language
from chat.core.question import Passage, Question
from chat.documents.fact_labels import MAY_END_LATER, label_of
from chat.documents.facts import Date, Facts
from chat.documents.reading import Document
from chat.documents.unreadable import Unread
from chat.pipeline import help_lines, other_languages
from chat.pipeline.article_text import article_text
from chat.pipeline.distress_topics import Distress
from chat.storage.answer_cache import CachedAnswer
from chat.upstream.errors import AIError
from observability import unexpected_errors

# `aftermath`: a child's death in this message or shortly before, or a word of suicide shortly before.
State = Literal["calm", "distress", "aftermath"]
# Questions of the nearest articles, where none fits well. Below that score an article seldom helps.
MAX_NEAREST, NEAR = 2, 0.5
LONG_PAUSE_SECONDS = 3600


def state_of(kinds: Sequence[Distress], earlier: Sequence[Distress] = ()) -> State:
    """The state of whoever wrote a message with these kinds of distress, after `earlier` ones that outlast theirs."""
    if kinds:
        return "aftermath" if tuple(kinds) == ("grief",) else "distress"
    return "aftermath" if earlier else "calm"


def ladder(
    question: Question, error: AIError, stale: CachedAnswer | None, state: State = "calm", distress_notice: str = ""
) -> Iterator[Event]:
    """The best available answer in the question's language, with a notice that names its kind.

    A person in distress gets the people to call whom the distress notice names, and no article; in the aftermath an
    article if one fits. Neither gets suggestions.
    """
    with override(question.language):
        events: list[Event] = []
        with unexpected_errors.survived("fallback"):
            if stale is not None:
                events = _stale_answer(stale, error)
            elif state != "distress" and (article := _find_article(question)):
                events = _article(article, question, error)
        events = events or _apology(question, error, state, distress_notice)
    for event in events:
        if stale is None and isinstance(event, Delta):
            yield from _remark_in_another_language(question)
        yield event if state == "calm" or not isinstance(event, Finish) else replace(event, suggestions=())


def _remark_in_another_language(question: Question) -> Iterator[Event]:
    """For a question in another language: a line that says, in it, that the text after it is not in it."""
    with unexpected_errors.survived("fallback"):
        if language := other_languages.of(question.text):
            yield Delta(f"{other_languages.REMARKS[language]}\n\n")


@cache  # every run gets it as an argument and few use it
def interrupted_ending(language: Language) -> tuple[Event, ...]:
    """The last events of an answer that is cut off before its end."""
    with override(language):
        text = _interrupted_here()
    reason = Degraded("interrupted")
    return _notice("interrupted", text, reason), Finish("ai", ending="interrupted", degraded=reason)


def incomplete_notice(finish: Finish, language: Language) -> Notice | None:
    """The notice that the AI's answer is incomplete or unreliable, and why; None for a complete answer."""
    if finish.ending == "stop" and finish.degraded is None:
        return None
    with override(language):
        match finish.ending:
            case "length":
                text = _("The answer stops here: it reached its longest length. You can ask for the rest.")
            case "filtered":
                text = _("The AI's content filter stopped the answer here. You can ask in other words.")
            case "refused":
                text = _("The AI could not answer this. It is not your fault. Ask in other words, or talk to a person.")
            case "interrupted":
                text = _interrupted_here()
            case _ if finish.degraded:
                text = _("The AI has difficulties at this moment: this answer may be less complete than usual.")
                return _notice("degraded", text, finish.degraded)
            case _:
                return None
    return Notice("interrupted", text, {"reason": finish.ending})


def degraded_by_ending(ending: Ending) -> Degraded | None:
    """An answer without an explicit end from the service counts as interrupted for programs."""
    return Degraded("interrupted") if ending == "interrupted" else None


def for_document(facts: Facts, language: Language, error: AIError) -> list[Event]:
    """A document analysis without the AI: the dates, amounts and references found in the text."""
    reason = degraded(error)
    with override(language):
        text, notice = _facts_as_markdown(facts, reason), _notice("degraded", _explanation(error), reason)
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
        *((label_of(date.kind), _written(date, facts)) for date in facts.dates),
        *((label_of("amount"), amount.text) for amount in facts.amounts),
        *((label_of(reference.kind), reference.text) for reference in facts.references),
    ]
    opening = _("I'm sorry: I can't explain this document just now. You can hand it to me again {when}.").format(
        when=retry_phrase(reason.retry_after)
    )
    found = _("Here is what I found in it:") if rows else _("I found no date, amount or reference in it.")
    caution = _("Please check it against the document itself, above all the deadlines.")
    items = "\n".join(f"- **{name}** – {text}" for name, text in rows)
    return "\n\n".join(part for part in (opening, found, items, caution if rows else "") if part)


def _written(date: Date, facts: Facts) -> str:
    """The date as in the letter; after a period, its computed last day, or that it may end later."""
    if date.iso is None or date.basis is None:
        return date.text
    day = f"{dt.date.fromisoformat(date.iso):%d/%m/%Y}"
    return MAY_END_LATER.format(day=day, period=date.text) if facts.may_end_later(date) else f"{date.text} ({day})"


def next_steps(language: Language) -> tuple[str, ...]:
    """The questions suggested after a document analysis."""
    with override(language):
        return (
            _("How do I contest an MDPH decision?"),
            _("Who can help me with my paperwork?"),
            _("What happens if I miss a deadline?"),
        )


def degraded(error: AIError) -> Degraded:
    """The reason for a fallback, as clients receive it."""
    return Degraded(error.reason, _retry_after(error))


def _stale_answer(stale: CachedAnswer, error: AIError) -> list[Event]:
    reason = Degraded(error.reason, _retry_after(error), stale.age_seconds)
    text = _("{what} Here is an answer given {age} to the same question.").format(
        what=_explanation(error), age=_age(stale.age_seconds)
    )
    content = [event for event in stale.events if isinstance(event, Delta | Source)]
    finish = Finish("stale", degraded=reason, suggestions=stale.finish.suggestions)
    return [_notice("degraded", text, reason), *content, finish]


def _find_article(question: Question) -> Passage | None:
    return fitting_article(knowledge.current().search(question.text, question.language, 1, question.earlier))


def fitting_article(passages: Sequence[Passage]) -> Passage | None:
    """The best passage if its article is about the question, so that it helps without an answer."""
    return passages[0] if passages and passages[0].score >= knowledge.GOOD_FIT else None


def _article(article: Passage, question: Question, error: AIError) -> list[Event]:
    reason = degraded(error)
    text = _("{what} This is an article from our knowledge base, not an answer written for you.").format(
        what=_explanation(error)
    )
    return [
        _notice("degraded", text, reason),
        Delta(f"**{article.title}**\n\n{article_text(article, question.language)}"),
        article.source(article.slug),
        Finish(
            "knowledge",
            degraded=reason,
            suggestions=knowledge.current().suggestions([article], question.language, question.text),
        ),
    ]


def _apology(question: Question, error: AIError, state: State, distress_notice: str) -> list[Event]:
    reason = degraded(error)
    nearest: tuple[str, ...] = ()
    if state == "calm":
        text = _(
            "I'm sorry: I can't answer you just now, and I'd rather not guess. Your question is kept, and you can try "
            "again {when}. If you name the benefit or the step that it is about, I may find an article.\n\n"
            "To talk to somebody, or in danger:"
        ).format(when=_promised_time(reason.retry_after or 0))
        lines = help_lines.everyday(question.language)
        with unexpected_errors.survived("fallback"):
            nearest = _nearest_questions(question)
    else:
        text = _("These numbers are free of charge. If one does not answer, try the next:")
        lines = _fitting_lines(question.language, state, distress_notice) or help_lines.as_markdown(question.language)
    return [
        _notice("degraded", _explanation(error), reason),
        Delta(f"{text}\n\n{lines}"),
        Finish("fallback", degraded=reason, suggestions=nearest),
    ]


def _fitting_lines(language: Language, state: State, distress_notice: str) -> str:
    """The help lines that the notice names; empty if there is none, or if finding them fails."""
    with unexpected_errors.survived("fallback"):
        if state == "aftermath" and not distress_notice:
            distress_notice = help_lines.notice(("grief",), language)
        return help_lines.named_in(distress_notice, language)
    return ""


def _nearest_questions(question: Question) -> tuple[str, ...]:
    knowledge_base = knowledge.current()
    passages = knowledge_base.search(question.text, question.language, MAX_NEAREST, question.earlier)
    near = [passage for passage in passages if passage.score >= NEAR]
    return knowledge_base.questions_of(near, question.language, question.text)


def _interrupted_here() -> str:
    return _("The answer was interrupted here. What you can read is kept; you can ask again for the rest.")


def _notice(kind: Literal["degraded", "interrupted"], text: str, reason: Degraded) -> Notice:
    return Notice(kind, text, reason.as_json())


def _explanation(error: AIError) -> str:
    if error.reason == "overloaded":
        return _("Many people are asking at this moment, and the assistant can't take more questions.")
    if error.reason == "over_budget":
        return _("The assistant has written as many answers as it can for today.")
    if error.code == "filtered":
        return _("A safety setting of the AI blocked the answer to this question. It is not your fault.")
    if error.reason == "ai_rejected":
        return _("The assistant could not take this question.")
    return _("The assistant is not available at this moment.")


def _promised_time(retry_after: int) -> str:
    """When to ask again, as a budget or an operator tells it; a pause of minutes promises nothing."""
    return retry_phrase(retry_after) if retry_after > LONG_PAUSE_SECONDS else _("later")


def retry_phrase(retry_after: int | None) -> str:
    """The time until a retry, in words of the active language; rounded up, because an earlier retry fails."""
    if retry_after is None or retry_after < 60:
        return _("in a minute")
    if retry_after > LONG_PAUSE_SECONDS:
        return _("in about {count} hours").format(count=ceil(retry_after / 3600))
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


def _retry_after(error: AIError) -> int | None:
    """Whole seconds until a retry may succeed, None if unknown."""
    return None if error.retry_after is None else max(1, ceil(error.retry_after))
