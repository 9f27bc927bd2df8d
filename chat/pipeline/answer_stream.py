"""The two kinds of answer that a client receives: one from the cache, or one that a run is writing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from chat import runs
from chat.core.events import Event, Finish
from chat.core.transcript import Transcript
from chat.history.recorder import TurnRecorder
from chat.pipeline.replay import in_pieces
from chat.runs import Outlet, Subscription
from chat.storage import answer_cache, provenance
from chat.storage.provenance import Provenance, RequestTrace, Role
from observability import unexpected_errors
from observability.redis_trips import Command


@dataclass(frozen=True, slots=True)
class AnswerStream(ABC):
    cache_key: str
    request_trace: RequestTrace

    @property
    @abstractmethod
    def after(self) -> int:
        """The number of first events that the client has received already."""

    @property
    @abstractmethod
    def cache_status(self) -> str:
        """The value of `X-Cache`, unless the answer turns out to be a stale one."""

    @abstractmethod
    def read(self, reader: str = "", outlet: Outlet | None = None) -> Iterator[Sequence[Event]]:
        """Batches of the events that the client has not received. An empty batch reports silence.

        `reader` is the id of the message that this reader receives: stopping that message ends the iteration. Words
        that were pushed to the `outlet` are in no batch.
        """

    @abstractmethod
    def first_events(self, count: int) -> Sequence[Event]:
        """The first `count` events, or fewer if there are fewer so far; none for an answer that can't be resumed."""

    @abstractmethod
    def unsubscribe(self, reader: str) -> None:
        """Remove a reader that will not come back. The last one to leave cancels the run and its upstream call."""

    @abstractmethod
    def save_turn(self, recorder: TurnRecorder) -> None:
        """Save the turn before a reader receives the end of the answer, also if every reader has disconnected."""

    @abstractmethod
    def save_provenance(self) -> None:
        """Store the provenance of an answer that is saved in no conversation."""

    @property
    @abstractmethod
    def role(self) -> Role:
        """The role of this request: its own job writes the answer, another request's does, or the cache had it."""

    def read_to_end(self, reader: str = "") -> Transcript:
        """The complete answer, for the same `reader` as in `read`."""
        transcript = Transcript()
        for batch in self.read(reader, transcript):
            transcript.extend(batch)
        return transcript

    @property
    def started_at(self) -> float:
        """When the question was asked, on the performance counter."""
        return self.request_trace.began

    def provenance(self, finish: Finish | None) -> Provenance:
        """How the answer came about; `finish` is None while it is being written."""
        with unexpected_errors.survived("provenance"):
            return self.request_trace.provenance(self.role, finish)
        return {}


@dataclass(frozen=True, slots=True)
class CachedStream(AnswerStream):
    """An answer from the cache, as its reader gets it."""

    events: Sequence[Event]

    after: ClassVar[int] = 0
    cache_status: ClassVar[str] = "HIT"
    role: ClassVar[Role] = "cached"

    def read(self, reader: str = "", outlet: Outlet | None = None) -> Iterator[Sequence[Event]]:
        return ([event] for event in in_pieces(self.events))

    def read_to_end(self, reader: str = "") -> Transcript:
        return Transcript(self.events)

    def first_events(self, count: int) -> Sequence[Event]:
        return ()

    def unsubscribe(self, reader: str) -> None:
        """Do nothing: no run writes this answer."""

    def save_turn(self, recorder: TurnRecorder) -> None:
        with unexpected_errors.survived("history"):
            recorder.complete(self.read_to_end())

    def save_provenance(self) -> None:
        with unexpected_errors.survived("provenance"):
            provenance.save(self.provenance(self.read_to_end().finish))


@dataclass(frozen=True, slots=True)
class RunStream(AnswerStream):
    """The answer that a run is writing, in this process or another."""

    subscription: Subscription
    after: int = 0

    @property
    def cache_status(self) -> str:
        return "BYPASS" if answer_cache.is_unavailable() else "MISS"

    @property
    def role(self) -> Role:
        return "leader" if self.subscription.is_leader else "follower"

    def read(self, reader: str = "", outlet: Outlet | None = None) -> Iterator[Sequence[Event]]:
        return self.subscription.read(self.after, reader, outlet)

    def first_events(self, count: int) -> Sequence[Event]:
        return self.subscription.run.events[:count]

    def unsubscribe(self, reader: str) -> None:
        runs.unsubscribe(self.subscription.run.id, reader)

    def save_turn(self, recorder: TurnRecorder) -> None:
        run = self.subscription.run
        with unexpected_errors.survived("history"):
            recorder.start(run.id)
        run.on_end(recorder.complete)

    def save_provenance(self) -> None:
        run = self.subscription.run
        if not run.add_final_write(self._provenance_commands):
            run.on_end(lambda transcript: provenance.save(self.provenance(transcript.finish)))

    def _provenance_commands(self, finish: Finish) -> Sequence[Command]:
        with unexpected_errors.survived("provenance"):
            return provenance.commands(self.provenance(finish))
        return ()
