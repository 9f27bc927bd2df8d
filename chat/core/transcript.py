"""Collects the text, sources, notices and end of one answer from its events."""

from __future__ import annotations

from collections.abc import Iterable

from chat.core.events import Delta, Event, Finish, Notice, Source, text_of_event


class Transcript:
    """The state of an answer after the events given so far; `finish` is None until the answer has ended."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._texts: list[str] = []
        self.sources: list[Source] = []
        self.notices: list[Notice] = []
        self.finish: Finish | None = None
        self.extend(events)

    def extend(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, Delta):
                self._texts.append(event.text)
            elif isinstance(event, Source):
                self.sources.append(event)
            elif isinstance(event, Notice):
                self._texts.append(text_of_event(event))
                self.notices.append(event)
            elif isinstance(event, Finish):
                self.finish = event

    @property
    def text(self) -> str:
        return "".join(self._texts)

    @property
    def degraded_reason(self) -> str | None:
        """Why the answer is degraded: from its end, before that from a notice; None if it is not."""
        if self.finish is not None:
            return self.finish.degraded.reason if self.finish.degraded else None
        return next((notice.data.get("reason") for notice in self.notices if notice.kind == "degraded"), None)
