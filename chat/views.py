"""The page where people ask: rendered here, brought to life by static/chat/app.js, usable without JavaScript too."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe
from ninja.errors import ValidationError

from chat import answering, api, conversations, help_lines, knowledge, schemas
from chat.conversations import Place, UnknownConversation
from chat.documents.naming import NAMES
from chat.events import Source
from chat.markdown import as_html
from chat.questions import Language, language_of
from chat.wire import plain

# What app.js and its modules say on their own; everything else stands in the templates. `{…}` is filled in there.
STRINGS = {
    "answerStarts": _("The answer is arriving."),
    "answerComplete": _("The answer is complete."),
    "copied": _("Copied"),
    "thanks": _("Thank you"),
    "notSent": _("Your opinion could not be sent."),
    "sources": _("Sources"),
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
    "stoppedTitle": _("You stopped the answer"),
    # The same words that the server uses when such an answer is new.
    "unavailable": _("The assistant is not available at this moment."),
    "overloaded": _("Many people are asking at this moment, and the assistant can't take more questions."),
    "rejected": _("The assistant could not take this question."),
    "stale": _("{what} Here is an answer given {age} to the same question."),
    "knowledge": _("{what} This is an article from our knowledge base, not an answer written for you."),
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
    "goneTitle": _("This conversation is no longer there"),
    "goneText": _("It was forgotten, or it was begun on another device."),
    "startAnew": _("Begin a new conversation"),
    "brokenTitle": _("Something went wrong on our side"),
    "brokenText": _("It is not your fault. Your question is kept, and you can try again."),
    "reference": _("Reference, to tell us about it: {reference}"),
    "forgetOne": _("Forget this conversation?"),
    "forgetAll": _("Delete everything that is kept of you?"),
    "forgetThis": _("Forget “{title}”"),
    "forgotten": _("It is forgotten."),
    "document": _("Document: {name}"),
    "documentSending": _("Sending the document…"),
    "documentReading": _("Reading the document…"),
    "documentTooLarge": _("This document is larger than {megabytes} MB. Try to send a part of it, or a smaller photo."),
    "documentUnreadableTitle": _("I can’t read this document"),
    "documentUnreadableText": _("Send me a photo of it, or open it, copy its text and paste it here."),
    "documentMissing": _("Choose a file, or paste the text."),
    "pastedText": _("pasted text"),
    "facts": NAMES,
    "citation": _("Source {number}"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(private=True, no_cache=True)
def chat_page(request: HttpRequest) -> HttpResponse:
    """The page; with the answer in it when its form was sent by a browser without JavaScript."""
    language: Language = "en" if get_language() == "en" else "fr"
    question = (request.POST.get("suggestion") or request.POST.get("message", "")).strip()
    context = {
        "suggestions": knowledge.openers(language, limit=4),
        "help_lines": help_lines.all_lines(language),
        "strings": STRINGS,
        "largest_document": settings.DOCUMENT_MAX_MB,
        "retention_days": settings.RETENTION_DAYS,
        "site": f"{request.scheme}://{request.get_host()}",
        "question": question,
        "longest": schemas.MAX_MESSAGE,
        "answer": _answer(request, question, language) if question else None,
    }
    return render(request, "chat.html", context)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What search engines may visit: the page, nothing behind it."""
    return render(request, "robots.txt", content_type="text/plain; charset=utf-8")


def _answer(request: HttpRequest, question: str, language: Language) -> dict[str, Any]:
    """The answer to a form, as templates/partials/answer.html shows it."""
    fields = {"message": question, "conversationId": request.POST.get("conversation") or None}
    try:
        sent = schemas.parsed(schemas.MessageIn, fields)
    except ValidationError:
        return {"notice": STRINGS["unreadableText"]}
    caller_id = api.caller_of(request)
    place = _place(caller_id, sent.conversation_id)
    asked = answering.ask(caller_id, sent.message, language_of(sent.message, language), place, {})
    transcript = plain.gather(api.attentively(request, asked))
    assert transcript.finish is not None
    degraded = transcript.finish.degraded
    return {
        "conversation": place.public_id,
        "html": as_html(_linked(transcript.text, language)),
        "sources": [_card(source) for source in transcript.sources if source.url.startswith(("https://", "http://"))],
        "suggestions": transcript.finish.suggestions,
        "notice": " ".join(notice.text for notice in transcript.notices if notice.kind != "status"),
        "when": _when(degraded.retry_after) if degraded else "",
        "reference": asked.record.correlation_id if degraded else "",
    }


def _place(caller_id: str, conversation_id: str | None) -> Place:
    """The conversation that the form belongs to; a new one where that has been forgotten meanwhile."""
    try:
        return conversations.locate(caller_id, conversation_id)
    except UnknownConversation:
        return conversations.locate(caller_id, None)


def _card(source: Source) -> dict[str, str]:
    place = (urlsplit(source.url).hostname or "").removeprefix("www.")
    return {"id": source.id, "title": source.title, "url": source.url, "place": place}


def _linked(text: str, language: Language) -> str:
    """`[2]` leads to the second source, `**15**` and every other help line to the phone."""
    numbers = {line.number for line in help_lines.all_lines(language)}

    def call(found: re.Match[str]) -> str:
        return f"[{found[0]}](tel:{found[1].replace(' ', '')})" if found[1] in numbers else found[0]

    text = re.sub(r"\*\*(\d[\d ]{0,15})\*\*", call, text)
    return re.sub(r"\[(\d{1,2})\](?!\()", r"[\\[\1\\]](#source-\1)", text)


def _when(seconds: int | None) -> str:
    if not seconds:
        return ""
    minutes = max(1, round(seconds / 60))
    return ngettext("You can try again in a minute.", "You can try again in %(minutes)d minutes.", minutes) % {
        "minutes": minutes
    }
