"""Answers without the AI, best first: a stale cached answer, a well-matching article, an apology with help lines."""

from __future__ import annotations

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
from chat.pipeline import help_lines, notice_texts, other_languages
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
    return notice("interrupted", text, reason), Finish("ai", ending="interrupted", degraded=reason)


def incomplete_notice(finish: Finish, language: Language) -> Notice | None:
    """The notice that the AI's answer is incomplete or unreliable, and why; None for a complete answer."""
    if finish.ending == "stop" and finish.degraded is None:
        return None
    with override(language):
        if finish.ending in notice_texts.ENDINGS:
            text = str(notice_texts.ENDINGS[finish.ending])
        elif finish.ending == "interrupted":
            text = _interrupted_here()
        elif finish.degraded:
            return notice("degraded", str(notice_texts.WEAK), finish.degraded)
        else:
            return None
    return Notice("interrupted", text, {"reason": finish.ending})


def degraded_by_ending(ending: Ending) -> Degraded | None:
    """An answer without an explicit end from the service counts as interrupted for programs."""
    return Degraded("interrupted") if ending == "interrupted" else None


def degraded(error: AIError) -> Degraded:
    """The reason for a fallback, as clients receive it."""
    return Degraded(error.reason, _retry_after(error))


def _stale_answer(stale: CachedAnswer, error: AIError) -> list[Event]:
    reason = Degraded(error.reason, _retry_after(error), stale.age_seconds)
    text = str(notice_texts.STALE).format(what=explanation(error), age=_age(stale.age_seconds))
    content = [event for event in stale.events if isinstance(event, Delta | Source)]
    finish = Finish("stale", degraded=reason, suggestions=stale.finish.suggestions)
    return [notice("degraded", text, reason), *content, finish]


def _find_article(question: Question) -> Passage | None:
    return fitting_article(knowledge.current().search(question.text, question.language, 1, question.earlier))


def fitting_article(passages: Sequence[Passage]) -> Passage | None:
    """The best passage if its article is about the question, so that it helps without an answer."""
    return passages[0] if passages and passages[0].score >= knowledge.GOOD_FIT else None


def _article(article: Passage, question: Question, error: AIError) -> list[Event]:
    reason = degraded(error)
    text = str(notice_texts.ARTICLE).format(what=explanation(error))
    return [
        notice("degraded", text, reason),
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
        notice("degraded", explanation(error), reason),
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


def notice(kind: Literal["degraded", "interrupted"], text: str, reason: Degraded) -> Notice:
    return Notice(kind, text, reason.as_json())


def explanation(error: AIError) -> str:
    """Why the AI does not answer, in the active language."""
    if error.reason == "overloaded":
        return str(notice_texts.OVERLOADED)
    if error.reason == "over_budget":
        return str(notice_texts.OVER_BUDGET)
    if error.code == "filtered":
        return _("A safety setting of the AI blocked the answer to this question. It is not your fault.")
    return str(notice_texts.REJECTED if error.reason == "ai_rejected" else notice_texts.UNAVAILABLE)


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
