"""Replays a cached answer as a stream of events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from chat.core.events import Delta, Event, Finish, Notice, Start
from chat.storage.answer_cache import CachedAnswer

PIECE_LENGTH = 60  # characters


def replay(cached: CachedAnswer, distress_notice: str) -> Iterator[Sequence[Event]]:
    """The cached events in batches of one, with the text in short pieces, after the notice for this reader if any."""
    for event in cached.events:
        if isinstance(event, Delta):
            yield from ([Delta(piece)] for piece in _split(event.text))
        elif isinstance(event, Finish):
            yield [replace(event, origin="cache", suggestions=() if distress_notice else event.suggestions)]
        else:
            yield [event]
        if isinstance(event, Start) and distress_notice:
            yield [Notice("help", distress_notice, {})]


def _split(text: str) -> Iterator[str]:
    """Pieces of about PIECE_LENGTH characters that end after a space."""
    start = 0
    while start < len(text):
        end = text.find(" ", start + PIECE_LENGTH)
        end = len(text) if end < 0 else end + 1
        yield text[start:end]
        start = end
