"""What has been said in one answer so far, gathered from its events."""

from __future__ import annotations

from collections.abc import Iterable

from chat.events import Event, Finish, Notice, Source, words_of


class Transcript:
    """Feed it batches of events; read text, sources and the end from it at any time."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._pieces: list[str] = []
        self.sources: list[Source] = []
        self.notices: list[Notice] = []
        self.finish: Finish | None = None
        self.extend(events)

    def extend(self, events: Iterable[Event]) -> None:
        for event in events:
            self._pieces.append(words_of(event))
            match event:
                case Source():
                    self.sources.append(event)
                case Notice():
                    self.notices.append(event)
                case Finish():
                    self.finish = event

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    @property
    def degraded_reason(self) -> str | None:
        """Why this isn't the AI's own answer, as soon as a notice says so."""
        if self.finish is not None:
            return self.finish.degraded.reason if self.finish.degraded else None
        return next((notice.data.get("reason") for notice in self.notices if notice.kind == "degraded"), None)
