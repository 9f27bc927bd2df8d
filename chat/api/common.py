"""Helpers shared by the endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest
from ninja.errors import HttpError

from chat.core.events import Event
from chat.core.question import Language, language_of
from chat.core.transcript import Transcript
from chat.encoders import client_disconnect, sse
from chat.history import conversations
from chat.history.conversations import ConversationRef, UnknownConversation
from chat.pipeline.answer_stream import AnswerStream
from chat.pipeline.conversation_control import NotAllDeleted
from chat.runs import Outlet
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
    return request.headers["Authorization"].partition(" ")[2].strip()


def read_while_connected(
    request: HttpRequest, stream: AnswerStream, reader: str, outlet: Outlet | None
) -> Iterator[Sequence[Event]]:
    """The answer for a client that cannot resume it: the reader is unsubscribed when the client disconnects."""
    return client_disconnect.cancel_on_disconnect(
        request, stream.read(reader, outlet), partial(stream.unsubscribe, reader)
    )


def read_to_end_while_connected(request: HttpRequest, stream: AnswerStream, reader: str) -> Transcript:
    """The whole answer, for a client that gets it in one piece and cannot resume it."""
    with client_disconnect.watch_connection(request, partial(stream.unsubscribe, reader)):
        return stream.read_to_end(reader)


@contextmanager
def partial_deletion_is_503() -> Iterator[None]:
    """Responds with 503 if the block raises NotAllDeleted."""
    try:
        yield
    except NotAllDeleted:
        raise HttpError(503, "A part could not be deleted just now; please ask again in a moment.") from None


@contextmanager
def unknown_is_404() -> Iterator[None]:
    """Responds with 404 if the block raises UnknownConversation."""
    try:
        yield
    except UnknownConversation:
        raise Http404 from None


def conversation_for(request: HttpRequest, conversation_id: str | None, **options: Any) -> ConversationRef:
    """The caller's conversation with this id, or a new one. Responds with 404 for an unknown one."""
    with unknown_is_404():
        return conversations.resolve(caller_of(request).id, conversation_id, **options)
