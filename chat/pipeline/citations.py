"""Which passages an answer cites while it is being written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from chat.core.citations import separated, unfinished_at
from chat.core.events import Delta, Event, Source
from chat.core.question import Passage
from chat.upstream.errors import AIInterrupted

_CITATION = re.compile(r"\[(\d{1,2})\]")


class Citations:
    """Finds the passages that a growing text cites; the `id` of their source is the number in `[n]`."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = dict(enumerate(passages, start=1))
        self._uncited = dict(self._passages)
        self._held = ""  # the beginning of a bracket, until the next piece shows what it is

    def separate(self, events: Iterable[Event]) -> Iterator[Event]:
        """The events of an answer, with a source as soon as the text cites it. Raises what `events` raise."""
        try:
            for event in events:
                if isinstance(event, Delta):
                    words, sources = self.add(event.text)
                    yield Delta(words)
                    yield from sources
                else:
                    yield from self._rest()
                    yield event
        except AIInterrupted:
            yield from self._rest()
            raise

    def add(self, piece: str) -> tuple[str, Sequence[Source]]:
        """The next piece of the text with separate citations, and the sources that it cites for the first time.

        A bracket that may become a citation is withheld until it ends.
        """
        if not (self._held or "[" in piece or "【" in piece) or not self._passages:
            return piece, ()
        text = self._held + piece
        end = unfinished_at(text)
        text, self._held = separated(text[:end], self._passages), text[end:]
        found = [(number, self._uncited.pop(int(number), None)) for number in _CITATION.findall(text)]
        return text, [passage.source(number) for number, passage in found if passage]

    def _rest(self) -> Iterator[Delta]:
        if self._held:
            yield Delta(self._held)
            self._held = ""
