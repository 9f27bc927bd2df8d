"""The whole answer as one JSON object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from chat.events import Degraded, Event, Notice, Source, Start
from chat.models import Message
from chat.transcripts import Transcript
from observability.timestamps import iso

if TYPE_CHECKING:
    from chat.analysing import Analysis


def gather(batches: Iterable[Sequence[Event]]) -> Transcript:
    """Read the answer to its end."""
    transcript = Transcript()
    for batch in batches:
        transcript.extend(batch)
    return transcript


def opening(batches: Iterator[Sequence[Event]]) -> list[Event]:
    """The first events, up to the first words or the first silence: enough to tell how the answer begins."""
    said: list[Event] = []
    for batch in batches:
        said.extend(batch)
        if not batch or any(not is_preliminary(event) for event in batch):
            break
    return said


def is_preliminary(event: Event) -> bool:
    """Whether it tells nothing yet of how the answer came about."""
    return isinstance(event, Start) or (isinstance(event, Notice) and event.kind in {"help", "facts", "partial"})


def answer(transcript: Transcript, *, conversation_id: str, message_id: str, saved: bool) -> dict[str, Any]:
    """The body of `POST /api/chat/message`."""
    finish = transcript.finish
    assert finish is not None
    return {
        "response": transcript.text,
        "conversationId": conversation_id,
        "messageId": message_id,
        "timestamp": iso(),
        "origin": finish.origin,
        "sources": [source(each) for each in transcript.sources],
        "suggestions": list(finish.suggestions),
        "ending": finish.ending,
        "degraded": degraded(finish.degraded),
        "saved": saved,
    }


def message(row: Message) -> dict[str, Any]:
    """One message of a history."""
    return {
        "id": row.public_id,
        "role": row.role,
        "text": row.text,
        "status": row.status,
        "origin": row.origin,
        "sources": row.sources,
        "suggestions": row.suggestions,
        "degraded": degraded(Degraded(**row.degraded)) if row.degraded else None,
        "rating": row.rating,
        "correlationId": row.correlation_id,
        "createdAt": iso(row.created_at.timestamp()),
    }


def analysis(transcript: Transcript, of: Analysis, file_name: str) -> dict[str, Any]:
    """The body of `POST /api/chat/analyze-document`."""
    finish = transcript.finish
    assert finish is not None
    return {
        "analysis": transcript.text,
        "extractedData": asdict(of.facts),
        "suggestions": list(finish.suggestions),
        "fileName": file_name,
        "pages": of.document.pages,
        "pagesRead": of.document.pages_read,
        "degraded": degraded(finish.degraded),
        "timestamp": iso(),
    }


def source(each: Source) -> dict[str, str]:
    return {"id": each.id, "title": each.title, "url": each.url}


def degraded(why: Degraded | None) -> dict[str, Any] | None:
    return None if why is None else why.as_json()
