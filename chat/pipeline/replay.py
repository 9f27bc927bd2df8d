"""A cached answer as its reader gets it, and its text in pieces for a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from chat.core.events import Delta, Event, Finish, Notice, Start
from chat.storage.answer_cache import CachedAnswer

PIECE_LENGTH = 60  # characters


def replayed(cached: CachedAnswer, distress_notice: str) -> list[Event]:
    """The cached events, with the notice for this reader, if any."""
    events: list[Event] = []
    for event in cached.events:
        events.append(replace(event, origin="cache") if isinstance(event, Finish) else event)
        if isinstance(event, Start) and distress_notice:
            events.append(Notice("help", distress_notice, {}))
    return events


def in_pieces(events: Iterable[Event]) -> Iterator[Event]:
    """The same events, with the text in short pieces."""
    for event in events:
        if isinstance(event, Delta):
            yield from map(Delta, _split(event.text))
        else:
            yield event


def _split(text: str) -> Iterator[str]:
    """Pieces of about PIECE_LENGTH characters that end after a space."""
    start = 0
    while start < len(text):
        end = text.find(" ", start + PIECE_LENGTH)
        end = len(text) if end < 0 else end + 1
        yield text[start:end]
        start = end
