"""Redis while it answers, this process' memory while it doesn't: the circuit breaker's own circuit breaker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal, TypeVar

from redis import RedisError

from chat.upstream.breaker.circuit import Admission, Failure, Transition, Vote
from chat.upstream.breaker.memory import MemoryStore
from chat.upstream.breaker.redis import RedisStore
from chat.upstream.breaker.snapshot import Snapshot
from observability import logs
from observability.absence import Absence

T = TypeVar("T")

log = logs.get_logger(__name__)


class StoreUnavailable(Exception):
    """Redis did not answer, and an order that one process alone knows would mean nothing.

    It may have been carried out all the same, where only the answer was late: look before giving it again.
    """


class Failover:
    """The same verbs as both stores; a call's result goes to the store that admitted the call.

    The longest wait for Redis is the client's own timeout: give it a short one. `absence` knows whether Redis is away,
    and learns it from here as from everybody else who uses that Redis.
    """

    def __init__(self, shared: RedisStore, local: MemoryStore, clock: Callable[[], float], absence: Absence) -> None:
        self.shared = shared
        self.local = local
        self.absence = absence
        self._clock = clock
        self._lock = threading.Lock()
        self._is_alone = False
        self._seen: tuple[Admission | None, float] = (None, 0.0)

    def acquire(self) -> Admission:
        admission = self._ask(self.shared.acquire)
        if admission is None:
            return self.local.acquire()
        self._seen = admission, self._clock()
        return admission

    def record(self, admission: Admission, failure: Failure | None) -> Vote:
        """While Redis is away the results it is owed are lost: they may have come from before the outage."""
        if admission.source == "memory":
            return self.local.record(admission, failure)
        return self._ask(lambda: self.shared.record(admission, failure)) or Vote()

    def release(self, admission: Admission) -> None:
        if admission.source == "memory":
            self.local.release(admission)
        else:
            self._ask(lambda: self.shared.release(admission))

    def force(self, state: Literal["open", "closed"], *, who: str, reason: str, seconds: float | None) -> Transition:
        return self._order(lambda: self.shared.force(state, who=who, reason=reason, seconds=seconds))

    def reset(self, *, who: str, reason: str) -> Transition:
        return self._order(lambda: self.shared.reset(who=who, reason=reason))

    def snapshot(self) -> Snapshot:
        return self._ask(self.shared.snapshot) or self.local.snapshot()

    def _ask(self, question: Callable[[], T]) -> T | None:
        """Redis' answer, None when it is away."""
        if not self.absence.is_on:
            try:
                answer = question()
            except RedisError as error:
                self.absence.begin(error)
            else:
                self._found()
                return answer
        self._lost()
        return None

    def _order(self, order: Callable[[], Transition]) -> Transition:
        """An operator may wait for Redis, whatever calls have seen of it."""
        try:
            transition = order()
        except RedisError as error:
            self.absence.begin(error)
            raise StoreUnavailable("Redis is away") from error
        self.absence.end()
        self._found()
        return transition

    def _lost(self) -> None:
        """From here on memory has the say; it begins where Redis was seen last."""
        with self._lock:
            if self._is_alone:
                return
            self._is_alone = True
            self.local.adopt(*self._seen)
        log.warning("Breaker goes on without Redis", breaker=self.local.name)

    def _found(self) -> None:
        if not self._is_alone:
            return
        with self._lock:
            self._is_alone = False
        log.info("Breaker has Redis again", breaker=self.local.name)


Store = Failover | RedisStore | MemoryStore
