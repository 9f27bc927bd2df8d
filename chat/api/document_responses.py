"""The responses to a document: its analysis, as JSON or as a stream, or what is wrong with the file."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy, override
from ninja.errors import HttpError

from chat.api import data_url, error_fallback, schemas
from chat.api.request_context import caller_token_of, conversation_for, language_for
from chat.core.events import Event
from chat.core.language import Language
from chat.core.transcript import Transcript
from chat.documents import reading
from chat.documents.errors import DocumentError
from chat.documents.reader_places import Sender
from chat.documents.reading import Document
from chat.encoders import client_disconnect, headers, json_body, ui_stream
from chat.history.recorder import TurnRecorder
from chat.pipeline import document_fallbacks
from chat.pipeline.document_analysis import DocumentAnalysis
from chat.pipeline.kept_analysis import KeptAnalysis
from observability import correlation
from observability.caller import caller_of

ATTACHMENT_ERRORS = {
    "one_file": gettext_lazy("One document at a time, please: send them one after another."),
    "not_in_message": gettext_lazy("This file can't be read from here. Send the file itself, not its address."),
}


class FileError(HttpError):
    """What is wrong with a file: a message in the page's language, and a code for programs. problems.py reads it."""

    def __init__(self, status: int, message: str, field: str, code: str, retry_after: int | None = None) -> None:
        super().__init__(status, message)
        self.errors = [{"field": field, "code": code, "message": message}]
        if retry_after:
            self.headers = {"Retry-After": str(retry_after)}


def analyze_upload(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The analysis of an uploaded document, kept in a conversation if the person wants it."""
    upload = _parse_upload(request)
    started_at, asked_at = perf_counter(), timezone.now()
    conversation = conversation_for(request, upload.conversation_id) if upload.keep else None
    document = _read_document(request, upload.document)
    language = language_for(request, document.text)
    analysis = _analysis(request, document, upload.document_type, upload.file_name, language)
    recorder, batches = None, analysis.read()
    if conversation:
        keeper = KeptAnalysis(analysis, conversation, upload.file_name, language, asked_at)
        recorder, batches = keeper.recorder, keeper.read()
    batches = client_disconnect.cancel_on_disconnect(request, batches, analysis.cancel)
    if request.get_preferred_type(["application/json", "text/event-stream"]) == "text/event-stream":
        return _stream_response(request, batches, started_at, recorder=recorder)
    transcript = Transcript(chain.from_iterable(batches))
    body = json_body.analysis(
        transcript,
        facts=asdict(document.facts),
        file_name=upload.file_name,
        extent=document.extent(),
        conversation_id=recorder.conversation.public_id if recorder else None,
        saved=recorder.saved if recorder else False,
    )
    return json_body.response(body, headers.of_uncached(started_at, transcript))


def analyze_attachment(request: HttpRequest, body: schemas.StreamIn) -> StreamingHttpResponse:
    """The analysis of the file in a message. It is stored nowhere, as that of any document."""
    started_at = perf_counter()
    language = language_for(request, body.message if body.has_text else "")
    if len(body.files) > 1:
        raise _attachment_error(language, "one_file")
    content = data_url.decode(body.files[0].url)
    if content is None:
        raise _attachment_error(language, "not_in_message")
    document = _read_document(request, content)
    analysis = _analysis(request, document, "other", body.files[0].filename or "", language)
    batches = client_disconnect.cancel_on_disconnect(request, analysis.read(), analysis.cancel)
    remark = [document_fallbacks.unanswered_text_notice(language)] if body.has_text else []
    return _stream_response(request, batches, started_at, remark)


def _parse_upload(request: HttpRequest) -> schemas.DocumentIn | schemas.FileIn:
    """The document with its type and name, from a form or from JSON."""
    if request.content_type != "multipart/form-data":
        return schemas.parse_body(schemas.DocumentIn, request.body)
    file = request.FILES.get("file")
    if file is None:
        raise HttpError(422, "file is missing.")
    if file.size is None or file.size > settings.DOCUMENT_MAX_MB * 1024 * 1024:
        raise _document_error(request, DocumentError("too_large", megabytes=settings.DOCUMENT_MAX_MB))
    fields = {"document": file.read(), "documentType": request.POST.get("documentType", "other"), "fileName": file.name}
    fields |= {name: value for name in ("keep", "conversationId") if (value := request.POST.get(name))}
    return schemas.parse_body(schemas.FileIn, fields)


def _read_document(request: HttpRequest, content: str | bytes) -> Document:
    try:
        caller = caller_of(request)
        return reading.read(content, Sender(caller.id, caller.networks[0]))
    except DocumentError as error:
        raise _document_error(request, error) from error


def _analysis(
    request: HttpRequest, document: Document, document_type: str, file_name: str, language: Language
) -> DocumentAnalysis:
    caller, token = caller_of(request), caller_token_of(request)
    return DocumentAnalysis(document, document_type, file_name, language, caller=caller, caller_token=token)


def _stream_response(
    request: HttpRequest,
    batches: Iterator[Sequence[Event]],
    started_at: float,
    remarks: Sequence[Event] = (),
    *,
    recorder: TurnRecorder | None = None,
) -> StreamingHttpResponse:
    """The analysis as a UI message stream; `remarks` follow its beginning. `recorder` saves one that is kept."""
    opening = [*headers.read_opening(batches), *remarks]
    metadata = {"correlationId": correlation.current()}
    if recorder is None:
        writer = ui_stream.MessageWriter(uuid.uuid4().hex, metadata)
    else:
        metadata["conversationId"] = recorder.conversation.public_id
        writer = ui_stream.MessageWriter(recorder.message_id, metadata, lambda: {"saved": recorder.saved})
    frames = error_fallback.end_after_error(writer, writer.stream(chain([opening], batches)), request)
    analysis_headers = headers.of_uncached(started_at, Transcript(opening))
    return StreamingHttpResponse(frames, headers=ui_stream.HEADERS | analysis_headers)


def _document_error(request: HttpRequest, error: DocumentError) -> FileError:
    with override(language_for(request)):
        return FileError(error.status, error.detail, "file", error.code, error.retry_after)


def _attachment_error(language: Language, code: str) -> FileError:
    with override(language):
        return FileError(422, str(ATTACHMENT_ERRORS[code]), "messages", code)
