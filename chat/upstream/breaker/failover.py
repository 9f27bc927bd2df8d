"""Uses the Redis store while Redis answers, and the memory store while it does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal, TypeVar

from redis import RedisError

from chat.upstream.breaker.circuit import Admission, CallOrigin, Failure, RecordResult, Transition
from chat.upstream.breaker.memory import MemoryStore
from chat.upstream.breaker.redis import RedisStore
from chat.upstream.breaker.snapshot import Snapshot
from observability import logs
from observability.outage import Outage

T = TypeVar("T")

log = logs.get_logger(__name__)


class StoreUnavailable(Exception):
    """An operator's command failed because Redis did not answer; a change in one process alone would mean nothing.

    Redis may still have executed it, if only its answer was late: check the state before repeating the command.
    """


class Failover:
    """The same methods as both stores. The result of a call goes to the store that admitted the call.

    An operation waits for Redis no longer than the client's own timeout: give it a short one. `outage` tracks whether
    Redis is available, for all that share it in this process.
    """

    def __init__(
        self, shared: RedisStore, local: MemoryStore, outage: Outage, clock: Callable[[], float] = time.time
    ) -> None:
        self.shared = shared
        self.local = local
        self.outage = outage
        self._clock = clock
        self._lock = threading.Lock()
        self._uses_memory = self._is_logged = False
        self._last_seen: tuple[Admission | None, float] = (None, 0.0)  # Redis' last admission, and when (unix seconds)

    def acquire(self) -> Admission:
        admission = self._try_redis(self.shared.acquire)
        if admission is None:
            return self.local.acquire()
        self._last_seen = admission, self._clock()
        return admission

    def record(self, admission: Admission, origin: CallOrigin, failure: Failure | None) -> RecordResult:
        """Record a call's result. A result for Redis is lost while Redis is unavailable."""
        if admission.source == "memory":
            return self.local.record(admission, origin, failure)
        return self._try_redis(lambda: self.shared.record(admission, origin, failure)) or RecordResult()

    def release(self, admission: Admission) -> None:
        if admission.source == "memory":
            self.local.release(admission)
        else:
            self._try_redis(lambda: self.shared.release(admission))

    def force(self, state: Literal["open", "closed"], *, who: str, reason: str, seconds: float | None) -> Transition:
        return self._require_redis(lambda: self.shared.force(state, who=who, reason=reason, seconds=seconds))

    def reset(self, *, who: str, reason: str) -> Transition:
        return self._require_redis(lambda: self.shared.reset(who=who, reason=reason))

    def snapshot(self) -> Snapshot:
        return self._try_redis(self.shared.snapshot) or self.local.snapshot()

    def _try_redis(self, operation: Callable[[], T]) -> T | None:
        """The operation's result, None when Redis is unavailable."""
        if not self.outage.is_active:
            try:
                result = operation()
            except RedisError as error:
                self.outage.suspect(error)
            else:
                self._use_redis()
                return result
        self._use_memory()
        return None

    def _require_redis(self, command: Callable[[], Transition]) -> Transition:
        """Run an operator's command in Redis, even during a known outage. Raises StoreUnavailable."""
        try:
            transition = command()
        except RedisError as error:
            self.outage.suspect(error)
            raise StoreUnavailable("Redis is unavailable") from error
        self.outage.end()
        self._use_redis()
        return transition

    def _use_memory(self) -> None:
        """Switch to the memory store, starting from the last state seen in Redis. Logged if the outage is confirmed."""
        with self._lock:
            if not self._uses_memory:
                self._uses_memory = True
                self.local.restart_from(*self._last_seen)
            if self._is_logged or not self.outage.is_confirmed:
                return
            self._is_logged = True
        log.warning("Breaker state falls back to process memory", breaker=self.local.name)

    def _use_redis(self) -> None:
        if not self._uses_memory:
            return
        with self._lock:
            was_logged, self._uses_memory, self._is_logged = self._is_logged, False, False
        if was_logged:
            log.info("Breaker state is in Redis again", breaker=self.local.name)


Store = Failover | RedisStore | MemoryStore
