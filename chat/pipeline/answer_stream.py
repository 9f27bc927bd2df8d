"""The two kinds of answer that a client receives: one from the cache, or one that a run is writing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

from chat import runs
from chat.core.events import Event, Finish
from chat.core.transcript import Transcript
from chat.history.recorder import TurnRecorder
from chat.pipeline.replay import replay
from chat.runs import Outlet, Subscription
from chat.storage import answer_cache, provenance
from chat.storage.answer_cache import CachedAnswer
from chat.storage.provenance import Provenance, RequestTrace, Role
from observability import unexpected_errors
from observability.redis_trips import Command


@dataclass(frozen=True, slots=True)
class AnswerStream(ABC):
    cache_key: str
    request_trace: RequestTrace

    @property
    @abstractmethod
    def cache_status(self) -> str:
        """The value of `X-Cache`, unless the answer turns out to be a stale one."""

    @abstractmethod
    def read(self, after: int = 0, reader: str = "", outlet: Outlet | None = None) -> Iterator[Sequence[Event]]:
        """Batches of events, starting after the first `after` events. An empty batch reports silence.

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

    def read_to_end(self) -> Transcript:
        """The complete answer."""
        return Transcript(chain.from_iterable(self.read()))

    def provenance(self, finish: Finish | None) -> Provenance:
        """How the answer came about; `finish` is None while it is being written."""
        with unexpected_errors.survived("provenance"):
            return self.request_trace.provenance(self.role, finish)
        return {}


@dataclass(frozen=True, slots=True)
class CachedStream(AnswerStream):
    """An answer from the cache, with the distress notice before it if its reader needs one."""

    cached: CachedAnswer
    distress_notice: str

    cache_status: ClassVar[str] = "HIT"
    role: ClassVar[Role] = "cached"

    def read(self, after: int = 0, reader: str = "", outlet: Outlet | None = None) -> Iterator[Sequence[Event]]:
        return replay(self.cached, self.distress_notice)

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

    @property
    def cache_status(self) -> str:
        return "BYPASS" if answer_cache.is_unavailable() else "MISS"

    @property
    def role(self) -> Role:
        return "leader" if self.subscription.is_leader else "follower"

    def read(self, after: int = 0, reader: str = "", outlet: Outlet | None = None) -> Iterator[Sequence[Event]]:
        return self.subscription.run.read(after, reader, outlet)

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

    def _provenance_commands(self) -> Sequence[Command]:
        with unexpected_errors.survived("provenance"):
            return provenance.commands(self.provenance(self.subscription.run.finish))
        return ()
