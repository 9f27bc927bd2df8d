"""The chat endpoints. Each parses a request, makes one call and renders the result."""

from __future__ import annotations

import math
from itertools import chain
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.csrf import ensure_csrf_cookie
from ninja import Query, Router
from ninja.decorators import decorate_view
from ninja.errors import HttpError

from chat.api import document_responses, error_fallback, permissions, schemas
from chat.api.request_context import (
    EVENT_STREAM,
    caller_token_of,
    conversation_for,
    language_for,
    read_to_end_while_connected,
)
from chat.core.event_position import EventPosition
from chat.core.question import Question
from chat.core.transcript import Transcript
from chat.encoders import headers, json_body, ui_stream
from chat.encoders.outlet import outlet_to
from chat.history import claims, conversations
from chat.history.conversations import ConversationRef
from chat.history.message_json import message_json, plain_json, ui_message
from chat.history.recorder import TurnRecorder
from chat.models import Message
from chat.pipeline import conversation_control, question_answering
from chat.pipeline.answer_stream import AnswerStream
from chat.pipeline.resume import resume
from observability import response_stream, routes
from observability.caller import caller_of

router = Router(tags=["chat"], by_alias=True)
PAGE_SIZE = 50


@routes.traits(answers="message")
@router.post("/message", summary="Ask, and get the whole answer", response={200: schemas.AnswerOut, 404: None})
def send_message(request: HttpRequest, body: schemas.MessageIn) -> HttpResponse:
    """Answer a message with one JSON object."""
    stream, recorder = _answer(request, body, conversation_for(request, body.conversation_id))
    transcript = read_to_end_while_connected(request, stream, recorder.message_id)
    answer = json_body.answer(
        transcript,
        conversation_id=recorder.conversation.public_id,
        message_id=recorder.message_id,
        saved=recorder.is_stored(),
    )
    return json_body.response(answer, headers.of_answer(stream.cache_status, stream.started_at, transcript))


@routes.traits(answers="stream")
@router.post(
    "/stream",
    summary="Ask, and get the answer as a stream",
    response={200: None, 404: None},
    openapi_extra=EVENT_STREAM,
)
def stream_message(request: HttpRequest, body: schemas.StreamIn) -> StreamingHttpResponse:
    """Answer a message with a UI message stream. A message with a file is answered with the analysis of the file."""
    if body.files:
        return document_responses.analyze_attachment(request, body)
    conversation = conversation_for(
        request, body.conversation_id, allow_new_id=body.id_is_from_client, replacement=body.replacement
    )
    if conversation.replaced_from is not None:
        conversation_control.end_replaced_answer(
            caller_of(request).id, conversation.public_id, language_for(request, body.message)
        )
    stream, recorder = _answer(
        request,
        body,
        conversation,
        question_id=body.question_id,
        not_before=math.inf if body.regenerates else 0,  # whatever the clock of the host that has cached one
    )
    return _stream_response(request, stream, recorder)


@routes.traits(follows_answer=True)
@router.get(
    "/{conversation_id}/stream",
    summary="Resume an answer that is being written",
    response={200: None, 204: None},
    openapi_extra=EVENT_STREAM,
)
def resume_stream(request: HttpRequest, conversation_id: schemas.PublicId) -> HttpResponse | StreamingHttpResponse:
    """Resume the stream of the pending answer, from its beginning or after the event in `Last-Event-ID`.

    A reader of an answer that has ended meanwhile gets the remaining events. 204 if there is nothing to read.
    """
    position = EventPosition.parse(request.headers.get("Last-Event-ID", ""))
    resumed = resume(caller_of(request).id, conversation_id, language_for(request), position)
    return HttpResponse(status=204) if resumed is None else _stream_response(request, *resumed)


@router.post(
    "/{conversation_id}/stop", summary="Stop an answer", response=schemas.StopOut, openapi_extra=schemas.STOP_BODY
)
def stop(request: HttpRequest, conversation_id: schemas.PublicId) -> dict[str, bool]:
    """Stop the pending answer of this conversation for all its readers."""
    message_id = schemas.parse_body(schemas.StopIn, request.body or b"{}").message_id
    stopped = conversation_control.stop_answer(
        caller_of(request).id, conversation_id, language_for(request), message_id
    )
    return {"stopped": stopped}


@router.get(
    "/history",
    summary="List the messages of a conversation",
    response={200: schemas.MessagePage | schemas.UIMessagePage, 404: None},
)
def history(
    request: HttpRequest,
    conversation_id: Annotated[schemas.PublicId | None, Query(alias="conversationId")] = None,
    after: schemas.RowNumber = "0",
    format: Literal["ui"] | None = None,  # noqa: A002 its name in the URL
) -> HttpResponse | dict[str, Any]:
    """List the messages of one conversation, oldest first. `next` is the `after` of the next page.

    Without a conversation: the newest messages of the latest one. With `format=ui`, as the AI SDK's `UIMessage`s.
    """
    caller_id = caller_of(request).id
    shown_id = conversation_id or conversations.latest_id(caller_id)
    rows: list[Message] = []
    if shown_id is not None:
        conversation_control.save_lost_outcome(caller_id, shown_id, language_for(request))
        read_page = conversations.page_of_messages if conversation_id else conversations.newest_messages
        rows = read_page(caller_id, shown_id, int(after), PAGE_SIZE)
    shown = rows[:PAGE_SIZE]
    complete = [row for row in shown if row.status != Message.Status.PENDING]
    page = {"conversationId": shown_id, "next": str(shown[-1].pk) if len(rows) > PAGE_SIZE else None}
    if format == "ui":
        return json_body.response(page | {"messages": [ui_message(row, shown_id or "") for row in complete]}, {})
    return page | {
        "items": [message_json(row) for row in shown],
        "messages": [plain_json(row) for row in complete],
        "context": {},  # always empty; the first web client reads it
    }


@router.delete("/reset", summary="Delete one or all conversations", response={200: schemas.ResetOut, 404: None})
def reset(request: HttpRequest, body: schemas.ResetIn | None = None) -> dict[str, Any]:
    """Delete one or all of the caller's conversations, and the answers cached for the caller alone.

    503 if some data could not be deleted; the client should retry.
    """
    conversation_id = body.conversation_id if body else None
    deleted = conversation_control.delete_conversations(caller_of(request).id, conversation_id)
    with override(language_for(request)):
        message = _("The conversation is deleted.") if conversation_id else _("Your conversations are deleted.")
    return {"deleted": deleted, "success": True, "message": message}


@router.post("/feedback", summary="Rate an answer", response={204: None, 404: None})
def feedback(request: HttpRequest, body: schemas.FeedbackIn) -> HttpResponse:
    """Rate an answer. A shared answer is replaced once several people of different networks rate it "down"."""
    caller = caller_of(request)
    rating = {"rating": body.rating, "reason": body.reason or "", "comment": body.comment}
    if not conversations.save_rating(caller.id, body.message_id, rating, network=caller.networks[-1]):
        raise Http404
    return HttpResponse(status=204)


@router.get("/csrf", summary="Get the CSRF token", response=schemas.CSRFOut)
@decorate_view(ensure_csrf_cookie)
def csrf(request: HttpRequest) -> dict[str, str]:
    """The token that a visitor sends as `X-CSRFToken`; for pages of other origins, which can't read our cookies."""
    return {"csrf_token": get_token(request)}


@routes.traits(ends_visitor=True)
@router.post("/claim", summary="Take over the conversations of a visitor", response={200: schemas.ClaimOut, 409: None})
def claim(request: HttpRequest) -> dict[str, int]:
    """Move the conversations of the visitor in the request's cookie to the signed-in caller."""
    caller = caller_of(request)
    if caller.kind != "user":
        with override(language_for(request)):
            raise HttpError(401, _("Please sign in first."))
    return {"claimed": claims.claim(caller.id, caller.visitor) if caller.visitor else 0}


@routes.traits(answers="analysis", takes_files=True)
@router.post(
    "/analyze-document",
    summary="Have a document explained",
    response={200: schemas.AnalysisOut, 404: None},
    openapi_extra=schemas.DOCUMENT_BODY | EVENT_STREAM,
)
def analyze_document(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Analyse a document: multipart `file` + `documentType`, or JSON `{document, documentType, fileName}`.

    With `Accept: text/event-stream`, a UI message stream that begins with the facts found in the text (`data-facts`).
    With `keep`, explanation, facts and masked text are saved in `conversationId`, or in a new conversation.
    """
    return document_responses.analyze_upload(request)


def _answer(
    request: HttpRequest, body: schemas.MessageIn, conversation: ConversationRef, **options: Any
) -> tuple[AnswerStream, TurnRecorder]:
    question = Question(
        body.message,
        language_for(request, body.message),
        caller_of(request).id,
        context=body.context,
        caller_token=caller_token_of(request),
    )
    return question_answering.answer_in_conversation(question, conversation, caller_of(request), **options)


def _stream_response(request: HttpRequest, stream: AnswerStream, recorder: TurnRecorder) -> StreamingHttpResponse:
    """The answer as a UI message stream. Waits for the first events, because they determine the headers."""
    with_provenance = permissions.may_see_provenance(request)
    outlet = outlet_to(request)
    batches = stream.read(recorder.message_id, outlet)
    opening = headers.read_opening(batches)
    writer = ui_stream.MessageWriter(
        recorder.message_id,
        {"conversationId": recorder.conversation.public_id, "correlationId": recorder.correlation_id},
        lambda: {"saved": recorder.is_stored()} | ({"receipt": recorder.provenance} if with_provenance else {}),
        after=stream.after,
    )
    parts = writer.stream(chain([opening], batches), first_events=stream.first_events, outlet=outlet)
    frames = error_fallback.end_after_error(writer, parts, request)
    answer_headers = headers.of_answer(stream.cache_status, stream.started_at, Transcript(opening))
    response = StreamingHttpResponse(frames, headers=ui_stream.HEADERS | answer_headers)
    response_stream.count_pushed(response, outlet)
    response_stream.mark_resumable(response)
    return response
