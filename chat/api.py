"""The doors to the product: parse, one call, render. Nothing is decided here."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from time import perf_counter
from typing import Annotated, Any, ParamSpec, TypeVar

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import override
from ninja import Query, Router
from ninja.errors import HttpError

from chat import answering, claims, conversations, documents, fallbacks, schemas, staff
from chat.analysing import Analysis
from chat.answering import Asked
from chat.bookmark import Bookmark
from chat.claims import ClaimedByAnother
from chat.conversations import NotAllDeleted, Place, UnknownConversation
from chat.documents import Document, DocumentError
from chat.events import Event
from chat.questions import Language, language_of
from chat.transcripts import Transcript
from chat.wire import headers, leaving, plain, sse, ui_stream, whole
from observability import correlation
from observability.timestamps import iso

router = Router(tags=["chat"], by_alias=True)
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

PAGE_SIZE = 50
EVENTS = {"responses": {200: {"content": {"text/event-stream": {"schema": sse.SCHEMA}}}}}


@router.post("/message", response={200: schemas.AnswerOut, 404: None})
def send_message(request: HttpRequest, body: schemas.MessageIn) -> HttpResponse:
    """Ask, and get the whole answer."""
    place = _place(request, body.conversation_id)
    asked = answering.ask(caller_of(request), body.message, language(request, body.message), place, body.context)
    transcript = plain.gather(attentively(request, asked))
    said = plain.answer(
        transcript,
        conversation_id=place.public_id,
        message_id=asked.record.message_id,
        saved=asked.record.saved,
    )
    return whole.reply(said, headers.of_answer(asked.answer.cache_verdict, asked.began, transcript))


@router.post("/stream", response={200: None, 404: None}, openapi_extra=EVENTS)
def stream_message(request: HttpRequest, body: schemas.StreamIn) -> StreamingHttpResponse:
    """Ask, and read the answer while it is written, as a UI message stream."""
    place = _place(request, body.conversation_id, may_begin=body.chosen_by_client)
    asked = answering.ask(caller_of(request), body.message, language(request, body.message), place, body.context)
    return _streamed(asked, explained=staff.may_see_receipts(request))


@router.get("/{conversation_id}/stream", response={200: None, 204: None}, openapi_extra=EVENTS)
def resume_stream(request: HttpRequest, conversation_id: schemas.PublicId) -> HttpResponse | StreamingHttpResponse:
    """Read the answer that is being written in this conversation, from its beginning or from `Last-Event-ID` on.

    Who was reading when it ended gets the rest of it. 204 when there is nothing to read.
    """
    bookmark = Bookmark.parse(request.headers.get("Last-Event-ID", ""))
    found = answering.resume(caller_of(request), conversation_id, language(request), bookmark)
    explained = staff.may_see_receipts(request)
    return HttpResponse(status=204) if found is None else _streamed(found, explained=explained)


@router.post("/{conversation_id}/stop", response=schemas.StopOut)
def stop(request: HttpRequest, conversation_id: schemas.PublicId) -> dict[str, bool]:
    """End the answer that is being written in this conversation, wherever it is read."""
    return {"stopped": answering.stop(caller_of(request), conversation_id, language(request))}


@router.get("/conversations", response={200: schemas.ConversationPage, 404: None})
def list_conversations(request: HttpRequest, before: schemas.PublicId | None = None) -> dict[str, Any]:
    """The caller's conversations, the latest first; `next` is the `before` of the next page."""
    rows = _own(conversations.page_of_conversations, caller_of(request), before, PAGE_SIZE)
    items = [
        {"id": row.public_id, "title": row.title, "updated_at": iso(row.updated_at.timestamp())}
        for row in rows[:PAGE_SIZE]
    ]
    return {"items": items, "next": items[-1]["id"] if len(rows) > PAGE_SIZE else None}


@router.get("/history", response={200: schemas.MessagePage, 404: None})
def history(
    request: HttpRequest,
    conversation_id: Annotated[schemas.PublicId, Query(alias="conversationId")],
    after: schemas.RowNumber = "0",
) -> dict[str, Any]:
    """The messages of one conversation in order; `next` is the `after` of the next page."""
    conversations.settle(caller_of(request), conversation_id, fallbacks.cut_short(language(request)))
    rows = _own(conversations.page_of_messages, caller_of(request), conversation_id, int(after), PAGE_SIZE)
    items = [plain.message(row) for row in rows[:PAGE_SIZE]]
    more = str(rows[PAGE_SIZE - 1].pk) if len(rows) > PAGE_SIZE else None
    return {"conversation_id": conversation_id, "items": items, "next": more}


@router.delete("/reset", response={200: schemas.ResetOut, 404: None})
def reset(request: HttpRequest, body: schemas.ResetIn | None = None) -> dict[str, int]:
    """Forget one or all of the caller's conversations, and every answer kept for them alone.

    Where a part can't be reached, 503: asking again deletes it.
    """
    return deleted(_own, conversations.forget, caller_of(request), body.conversation_id if body else None)


@router.post("/feedback", response={204: None, 404: None})
def feedback(request: HttpRequest, body: schemas.FeedbackIn) -> HttpResponse:
    """Say whether an answer helped."""
    if not conversations.rate(caller_of(request), body.message_id, body.rating, body.comment):
        raise Http404
    return HttpResponse(status=204)


@router.post("/claim", response={200: schemas.ClaimOut, 409: None})
def claim(request: HttpRequest) -> dict[str, int]:
    """Make what a visitor asked one's own after signing in: with the bearer token, while the cookie is still sent."""
    caller = request.caller  # type: ignore[attr-defined]
    if caller.kind != "user":
        raise HttpError(401, "Please sign in first.")
    try:
        return {"claimed": claims.claim(caller.id, caller.visitor) if caller.visitor else 0}
    except ClaimedByAnother:
        raise HttpError(409, "These conversations belong to somebody else by now.") from None


@router.post("/analyze-document", response={200: schemas.AnalysisOut}, openapi_extra=schemas.DOCUMENT_BODY | EVENTS)
def analyze_document(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Explain a document: multipart `file` + `documentType`, or JSON `{document, documentType, fileName}`.

    With `Accept: text/event-stream` as a UI message stream: what was found in it at once (`data-facts`), then the rest.
    """
    sent = _document(request)
    began = perf_counter()
    document = _read(request, sent.document)
    analysis = Analysis(document, sent.document_type, sent.file_name, language(request, document.text))
    batches = leaving.attended(request, analysis.read(), analysis.leave)
    if request.get_preferred_type(["application/json", "text/event-stream"]) == "text/event-stream":
        return _streamed_analysis(batches, began)
    transcript = plain.gather(batches)
    said = plain.analysis(transcript, analysis, sent.file_name)
    return whole.reply(said, headers.of_analysis(began, transcript))


def caller_of(request: HttpRequest) -> str:
    """The id of whoever calls; the caller middleware has made sure that there is one."""
    caller_id: str = request.caller.id  # type: ignore[attr-defined]
    return caller_id


def deleted(delete: Callable[Arguments, int], *args: Arguments.args, **options: Arguments.kwargs) -> dict[str, int]:
    """How many conversations were deleted; 503 when not all could be that belongs to them."""
    try:
        return {"deleted": delete(*args, **options)}
    except NotAllDeleted:
        raise HttpError(503, "A part could not be deleted just now; please ask again in a moment.") from None


def language(request: HttpRequest, text: str = "") -> Language:
    """The language of the text, else the one that the browser asks for."""
    preferred = request.headers.get("Accept-Language", "").strip().lower()
    return language_of(text, "en" if preferred.startswith("en") else "fr")


def attentively(request: HttpRequest, asked: Asked) -> Iterator[Sequence[Event]]:
    """The answer, read by somebody who can't come back to it: it ends when they hang up."""
    reader = asked.record.message_id
    return leaving.attended(request, asked.answer.read(reader=reader), partial(asked.answer.leave, reader))


def _place(request: HttpRequest, conversation_id: str | None, *, may_begin: bool = False) -> Place:
    return _own(conversations.locate, caller_of(request), conversation_id, may_begin=may_begin)


def _own(call: Callable[Arguments, Result], *args: Arguments.args, **options: Arguments.kwargs) -> Result:
    """The result; 404 when the conversation is not one of the caller's own."""
    try:
        return call(*args, **options)
    except UnknownConversation:
        raise Http404 from None


def _streamed(asked: Asked, *, explained: bool) -> StreamingHttpResponse:
    """The answer as it comes. Headers wait a moment for the first words, to tell how it was answered."""
    batches = asked.answer.read(asked.after, reader=asked.record.message_id)
    opening = plain.opening(batches)
    record = asked.record
    reply = ui_stream.Reply(
        message_id=record.message_id,
        metadata={"conversationId": record.place.public_id, "correlationId": record.correlation_id},
        last_metadata=lambda: {"saved": record.saved} | ({"receipt": record.receipt} if explained else {}),
    )
    frames = reply.stream(chain([opening], batches), after=asked.after, said=asked.answer.said)
    told = headers.of_answer(asked.answer.cache_verdict, asked.began, Transcript(opening))
    return StreamingHttpResponse(frames, headers=ui_stream.HEADERS | told)


def _document(request: HttpRequest) -> schemas.DocumentIn | schemas.FileIn:
    """The document and what is said of it, from either form of the request."""
    if request.content_type != "multipart/form-data":
        return schemas.parsed(schemas.DocumentIn, request.body)
    file = request.FILES.get("file")
    if file is None:
        raise HttpError(422, "file is missing.")
    if file.size is None or file.size > settings.DOCUMENT_MAX_MB * 1024 * 1024:
        raise _refusal(request, DocumentError("too_large", megabytes=settings.DOCUMENT_MAX_MB))
    fields = {"document": file.read(), "documentType": request.POST.get("documentType", "other"), "fileName": file.name}
    return schemas.parsed(schemas.FileIn, fields)


def _streamed_analysis(batches: Iterator[Sequence[Event]], began: float) -> StreamingHttpResponse:
    opening = plain.opening(batches)
    reply = ui_stream.Reply(uuid.uuid4().hex, {"correlationId": correlation.current()})
    frames = reply.stream(chain([opening], batches))
    return StreamingHttpResponse(frames, headers=ui_stream.HEADERS | headers.of_analysis(began, Transcript(opening)))


def _read(request: HttpRequest, sent: str | bytes) -> Document:
    try:
        return documents.read(sent)
    except DocumentError as error:
        raise _refusal(request, error) from error


def _refusal(request: HttpRequest, error: DocumentError) -> HttpError:
    """What the client is told: words for the person, in the page's language, and the code for programs."""
    with override(language(request)):
        refusal = HttpError(error.status, error.detail)
    refusal.errors = [{"field": "file", "code": error.code, "message": str(refusal)}]  # type: ignore[attr-defined]
    if error.retry_after:
        refusal.headers = {"Retry-After": str(error.retry_after)}  # type: ignore[attr-defined]
    return refusal
