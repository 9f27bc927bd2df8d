"""The chat page. It works with static/chat/app.js, and as a plain form without JavaScript."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import json_script
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe
from ninja.errors import ValidationError

from chat import knowledge
from chat.api import schemas
from chat.api.request_context import caller_token_of, read_to_end_while_connected
from chat.core import links
from chat.core.events import Source
from chat.core.language import Language, language_of
from chat.core.long_date import long_date
from chat.core.markdown import as_html
from chat.core.question import Question
from chat.documents.fact_labels import LABELS, MAY_END_LATER
from chat.history import conversations
from chat.models import new_public_id
from chat.pipeline import conversation_control, fallbacks, help_lines, notice_texts, question_answering
from observability import correlation, routes
from observability.caller import caller_of

# The texts of app.js and its modules, which fill in `{…}`. All other texts are in the templates.
STRINGS = {
    "answerStarts": _("The answer is arriving."),
    "answerComplete": _("The answer is complete."),
    "copied": _("Copied"),
    "thanks": _("Thank you"),
    "notSent": _("Your opinion could not be sent."),
    "sources": _("Sources"),
    "upToDateOn": _("up to date on {day}"),
    "outdatedSince": _("checked on {day}: may have changed since"),
    "searching": _("Looking through public information…"),
    "loading": _("Opening the conversation…"),
    "resuming": _("Taking up the answer again…"),
    "when": _("You can try again {when}."),
    "retry": _("Try again"),
    "resume": _("Resume"),
    "reload": _("Reload the page"),
    "edit": _("Change the question"),
    "askAgain": _("Ask again"),
    "interruptedTitle": _("The answer stopped before its end"),
    "interruptedText": _("What is written still holds, but the rest is missing."),
    "endings": notice_texts.ENDINGS,
    "stoppedTitle": _("You stopped the answer"),
    "unavailable": notice_texts.UNAVAILABLE,
    "overBudget": notice_texts.OVER_BUDGET,
    "overloaded": notice_texts.OVERLOADED,
    "rejected": notice_texts.REJECTED,
    "stale": notice_texts.STALE,
    "weak": notice_texts.WEAK,
    "knowledge": notice_texts.ARTICLE,
    "roomLeft": _("Characters left: {count}"),
    "tooLong": _("Characters too many: {count}. Shorten it a little, or ask one question at a time."),
    "offlineRemark": _("No connection at the moment. What you write stays here."),
    "offlineTitle": _("No connection"),
    "offlineText": _("Your question is kept here. Try again when the network is back."),
    "lostTitle": _("The connection was lost"),
    "lostText": _("What is written is kept. The answer can go on from where it was."),
    "tooFastTitle": _("One moment, please"),
    "tooFastText": _("Many questions were sent in a short time. Yours is kept."),
    "unreadableTitle": _("This message could not be read"),
    "unreadableText": _("It may be too long. Try to shorten it, or ask one question at a time."),
    "expiredTitle": _("The page has been open for a long time"),
    "expiredText": _("Your question is kept. Reload the page, then send it again."),
    "unloadedTitle": _("A part of the page is missing: please reload it"),
    "goneTitle": _("This conversation is no longer there"),
    "goneText": _("It was deleted, or it was begun on another device."),
    "startAnew": _("Begin a new conversation"),
    "brokenTitle": _("Something went wrong on our side"),
    "brokenText": _("It is not your fault. Your question is kept, and you can try again."),
    "reference": _("Reference, to tell us about it: {reference}"),
    "forgetOne": _("Delete this conversation?"),
    "forgetAll": _("Delete everything that is kept of you?"),
    "renameThis": _("Rename “{title}”"),
    "forgetThis": _("Delete “{title}”"),
    "forgotten": _("It is deleted."),
    "document": _("Document: {name}"),
    "documentSending": _("Sending the document…"),
    "documentReading": _("Reading the document…"),
    "documentTooLarge": _("This document is larger than {megabytes} MB. Try to send a part of it, or a smaller photo."),
    "documentUnreadableTitle": _("I can’t read this document"),
    "documentUnreadableText": _("Send me a photo of it, or open it, copy its text and paste it here."),
    "documentAnother": _("Choose another document"),
    "documentMissing": _("Choose a file, or paste the text."),
    "pastedText": _("pasted text"),
    "facts": LABELS,
    "mayEndLater": MAY_END_LATER,
    "citation": _("Source {number}"),
    "notHeard": _("Nothing was heard. Check that this page may use the microphone."),
    "imprint": _("Answer of {date}, written by an AI that can be wrong – {address}"),
}


class CompactEncoder(DjangoJSONEncoder):
    """Letters as they are and no spaces: fewer bytes in the page."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"ensure_ascii": False, "separators": (",", ":")})


@routes.traits(needs_caller=True, answers="page")
@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(private=True, no_cache=True)
def chat_page(request: HttpRequest) -> HttpResponse:
    """The page, with the answer if a browser without JavaScript has submitted the form."""
    language: Language = "en" if get_language() == "en" else "fr"
    question = (request.POST.get("suggestion") or request.POST.get("message", "")).strip()
    conversation_id = request.POST.get("conversation") or request.POST.get("id") or new_public_id()
    context = {
        "conversation": conversation_id,
        "question_id": new_public_id(),  # of the next question, and of the conversation that it begins
        "suggestions": knowledge.current().openers(language, limit=4),
        "help_lines": help_lines.all_lines(language),
        "strings": json_script(
            STRINGS | {"distress": help_lines.notice_beginnings(), "numbers": sorted(help_lines.numbers_to_call())},
            "strings",
            CompactEncoder,
        ),
        "largest_document": settings.DOCUMENT_MAX_MB,
        "retention_days": settings.RETENTION_DAYS,
        "site": f"{request.scheme}://{request.get_host()}",
        "question": question,
        "longest": schemas.MAX_MESSAGE,
        "answer": _answer(request, question, conversation_id, language) if question else None,
    }
    return render(request, "chat.html", context)


@require_safe
@cache_control(no_cache=True)
def service_worker(request: HttpRequest) -> HttpResponse:
    """The worker's file, which is not below /static/ because a worker controls the pages below its address.

    It changes with any file of the page, so that the browser installs it anew, and with it all files that it keeps.
    """
    path = finders.find("chat/service_worker.js")
    assert isinstance(path, str)
    files = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(Path(path).parent.iterdir())))
    worker = Path(path).read_text() + f"// The page's files: {files.hexdigest()[:16]}\n"
    return HttpResponse(worker, content_type="text/javascript; charset=utf-8")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Search engines may index the page only."""
    return render(request, "robots.txt", content_type="text/plain; charset=utf-8")


def _answer(request: HttpRequest, question: str, conversation_id: str, language: Language) -> dict[str, Any]:
    """The answer to a submitted form, as the context of templates/partials/answer.html.

    The form names its question: when the browser sends it again, the question takes its own place.
    """
    sent = {"id": request.POST.get("id"), "role": "user", "parts": [{"type": "text", "text": question}]}
    try:
        message = schemas.parse_body(schemas.StreamIn, {"id": conversation_id, "messages": [sent]})
    except ValidationError:
        return {"notice": STRINGS["unreadableText"]}
    caller_id = caller_of(request).id
    conversation = conversations.resolve(
        caller_id, message.conversation_id, allow_new_id=True, replacement=message.replacement
    )
    if conversation.replaced_from is not None:
        conversation_control.end_replaced_answer(caller_id, conversation.public_id, language)
    asked = Question(
        message.message,
        language_of(message.message, language),
        caller_id,
        caller_token=caller_token_of(request),
    )
    stream, recorder = question_answering.answer_in_conversation(
        asked, conversation, caller_of(request), question_id=message.question_id
    )
    transcript = read_to_end_while_connected(request, stream, recorder.message_id)
    assert transcript.finish is not None
    degraded = transcript.finish.degraded
    retry_after = degraded.retry_after if degraded else None
    sources = _source_cards(transcript.sources, language)
    return {
        "html": as_html(
            _add_links(transcript.text, language, {source["number"] for source in sources}),
            help_lines.numbers_to_call(),
        ),
        "sources": sources,
        "suggestions": transcript.finish.suggestions,
        # Help lines are part of the text, and nothing is waited for any more.
        "notice": " ".join(notice.text for notice in transcript.notices if notice.kind in {"degraded", "interrupted"}),
        "is_distressed": any(notice.kind == "help" for notice in transcript.notices),
        "when": str(STRINGS["when"]).format(when=fallbacks.retry_phrase(retry_after)) if retry_after else "",
        "reference": correlation.short(recorder.correlation_id) if degraded else "",
    }


def _source_cards(sources: Sequence[Source], language: Language) -> list[dict[str, str]]:
    """The sources with a safe address or none, by number: their id, by which the text cites them, else the next one."""
    cards: dict[int, dict[str, str]] = {}
    for source in sources:
        number = int(source.id) if re.fullmatch(r"[0-9]{1,2}", source.id) else max(cards, default=0) + 1
        is_shown = not source.url or links.is_allowed(source.url)
        if is_shown and number not in cards:
            host = (urlsplit(source.url).hostname or "").removeprefix("www.")
            cards[number] = {
                "number": str(number),
                "title": source.title,
                "url": source.url,
                "place": host,
                "age": _age(source, language),
            }
    return [cards[number] for number in sorted(cards)]


def _age(source: Source, language: Language) -> str:
    """The date of the source's facts, in words; empty if unknown."""
    if not source.as_of:
        return ""
    text = STRINGS["outdatedSince"] if source.is_outdated else STRINGS["upToDateOn"]
    return str(text).format(day=long_date(dt.date.fromisoformat(source.as_of), language))


def _add_links(text: str, language: Language, cited: Container[str]) -> str:
    """Links `[2]` to the source with this number, and `**15**` and all other help lines to the phone."""
    addresses = {line.number: line.address for line in help_lines.all_lines(language)}

    def link_number(match: re.Match[str]) -> str:
        return f"[{match[0]}]({addresses[match[1]]})" if match[1] in addresses else match[0]

    def link_citation(match: re.Match[str]) -> str:
        return f"[\\[{match[1]}\\]](#source-{match[1]})" if match[1] in cited else match[0]

    text = re.sub(r"\*\*(\d[\d ]{0,15})\*\*", link_number, text)
    return re.sub(r"\[(\d{1,2})\](?!\()", link_citation, text)
