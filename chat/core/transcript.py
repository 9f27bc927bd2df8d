"""Collects the text, sources, notices and end of one answer from its events, or from words that are pushed to it."""

from __future__ import annotations

from collections.abc import Iterable

from chat.core.events import Delta, Event, Finish, Notice, Source, text_of_event


class Transcript:
    """The state of an answer after the events given so far; `finish` is None until the answer has ended.

    As an outlet (see chat.runs) it takes words without waking the thread that waits for the whole answer.
    """

    has_unsent = False  # it takes each text whole

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

    def push(self, text: str) -> bool:
        self._texts.append(text)
        return True

    @property
    def text(self) -> str:
        return "".join(self._texts)

    @property
    def degraded_reason(self) -> str | None:
        """Why the answer is degraded: from its end, before that from a notice; None if it is not."""
        if self.finish is not None:
            return self.finish.degraded.reason if self.finish.degraded else None
        return next((notice.data.get("reason") for notice in self.notices if notice.kind == "degraded"), None)
