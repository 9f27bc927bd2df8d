"""What the endpoints take from a request: language, token, conversation and connection."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from chat.core.language import Language, language_of
from chat.core.transcript import Transcript
from chat.encoders import client_disconnect, sse
from chat.history import conversations
from chat.history.conversations import ConversationRef
from chat.pipeline.answer_stream import AnswerStream
from observability.authorization import credentials_of
from observability.caller import caller_of

# For `openapi_extra`: the route may also respond with server-sent events.
EVENT_STREAM: dict[str, Any] = {"responses": {200: {"content": {"text/event-stream": {"schema": sse.SCHEMA}}}}}


def language_for(request: HttpRequest, text: str = "") -> Language:
    """The language of the text; if it is unclear, the one that the browser prefers."""
    preferred = request.headers.get("Accept-Language", "").strip().lower()
    return language_of(text, "en" if preferred.startswith("en") else "fr")


def caller_token_of(request: HttpRequest) -> str:
    """The access token of a signed-in person if the AI service is to have it, else empty.

    The caller middleware has verified it. API keys are issued by this program and never sent to the AI.
    """
    if settings.AI_SERVICE_AUTH != "caller" or caller_of(request).kind != "user":
        return ""
    return credentials_of(request)[1]


def read_to_end_while_connected(request: HttpRequest, stream: AnswerStream, reader: str) -> Transcript:
    """The whole answer, for a client that gets it in one piece and cannot resume it."""
    with client_disconnect.watch_connection(request, partial(stream.unsubscribe, reader)):
        return stream.read_to_end(reader)


def conversation_for(request: HttpRequest, conversation_id: str | None, **options: Any) -> ConversationRef:
    """The caller's conversation with this id, or a new one. Raises UnknownConversation."""
    return conversations.resolve(caller_of(request).id, conversation_id, **options)
