"""Redis while it answers, this process' memory while it doesn't: the circuit breaker's own circuit breaker."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal, TypeVar

from redis import RedisError

from chat.upstream.breaker.circuit import Admission, Failure, Transition
from chat.upstream.breaker.memory import MemoryStore
from chat.upstream.breaker.redis import RedisStore
from chat.upstream.breaker.snapshot import Snapshot
from observability import logs

T = TypeVar("T")

log = logs.get_logger(__name__)

# While Redis is away, one call in this many seconds asks it again; the others don't wait for it.
ASK_AGAIN_SECONDS = 5.0


class StoreUnavailable(Exception):
    """Redis did not answer, and an order that one process alone knows would mean nothing.

    It may have been carried out all the same, where only the answer was late: look before giving it again.
    """


class Failover:
    """The same verbs as both stores; a call's result goes to the store that admitted the call.

    The longest wait for Redis is the client's own timeout: give it a short one.
    """

    def __init__(self, shared: RedisStore, local: MemoryStore, clock: Callable[[], float]) -> None:
        self.shared = shared
        self.local = local
        self._clock = clock
        self._lock = threading.Lock()
        self._away = False
        self._asked_at = 0.0
        self._seen: tuple[Admission | None, float] = (None, 0.0)

    def acquire(self) -> Admission:
        admission = self._ask(self.shared.acquire)
        if admission is None:
            return self.local.acquire()
        self._seen = admission, self._clock()
        return admission

    def record(self, admission: Admission, failure: Failure | None) -> Transition | None:
        """While Redis is away the results it is owed are lost: they may have come from before the outage."""
        if admission.source == "memory":
            return self.local.record(admission, failure)
        return self._ask(lambda: self.shared.record(admission, failure))

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
        if self._away and not self._my_turn():
            return None
        try:
            answer = question()
        except RedisError as error:
            self._lost(error)
            return None
        self._found()
        return answer

    def _order(self, order: Callable[[], Transition]) -> Transition:
        """An operator may wait for Redis, whatever calls have seen of it."""
        try:
            transition = order()
        except RedisError as error:
            self._lost(error)
            raise StoreUnavailable("Redis is away") from error
        self._found()
        return transition

    def _my_turn(self) -> bool:
        with self._lock:
            # The clock may be set back: that must not keep Redis away for as long.
            if 0 <= self._clock() - self._asked_at < ASK_AGAIN_SECONDS:
                return False
            self._asked_at = self._clock()
            return True

    def _lost(self, error: RedisError) -> None:
        with self._lock:
            self._asked_at = self._clock()
            if self._away:
                return
            self._away = True
            self.local.adopt(*self._seen)
        log.warning("Breaker goes on without Redis", breaker=self.local.name, code=type(error).__name__)

    def _found(self) -> None:
        if not self._away:
            return
        with self._lock:
            self._away = False
        log.info("Breaker has Redis again", breaker=self.local.name)


Store = Failover | RedisStore | MemoryStore
