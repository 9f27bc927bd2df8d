"""The circuit breaker as its callers see it: ask for a permit, make the call, say how it went."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

from redis import Redis

from chat.upstream.breaker.circuit import State, Transition
from chat.upstream.breaker.failover import Failover, Store
from chat.upstream.breaker.memory import MemoryStore
from chat.upstream.breaker.permit import Permit
from chat.upstream.breaker.policy import Policy
from chat.upstream.breaker.redis import RedisStore
from chat.upstream.breaker.snapshot import Snapshot
from observability import logs
from observability.absence import Absence

log = logs.get_logger(__name__)


class CircuitOpen(Exception):
    """No call may go ahead. `retry_after` is in seconds, None when nobody can tell.

    `state` is `half_open` while a probe is under way: `retry_after` is then the time until that probe is given up, and
    another may well be admitted sooner.
    """

    def __init__(self, name: str, retry_after: float | None, state: State = "open") -> None:
        super().__init__(f"the circuit {name} is open")
        self.name = name
        self.retry_after = retry_after
        self.state = state


class Breaker:
    """One circuit breaker, shared with every process that gives it the same name and the same Redis.

    ::

        with breaker.acquire() as permit:  # raises CircuitOpen
            ...
            permit.success(first_byte_after=0.8)

    `redis` makes the client (answers in bytes, short timeouts); it is called at first use. None keeps the state in this
    process alone. `absence` is what this process knows of that Redis being away; give it where others use the same
    server. `clock` (unix seconds) is for this process' memory: in Redis, Redis' own clock counts.

    The listeners hear, in the thread that caused it, and their errors are logged and go no further:
    `on_transition` each change of state, in exactly one process of the fleet; `on_state` the state that each `acquire`
    met; `on_rejection` each `CircuitOpen`.
    """

    def __init__(  # noqa: PLR0913 – what it is, where it lives, who listens
        self,
        name: str,
        policy: Policy,
        *,
        redis: Callable[[], Redis] | None,
        absence: Absence | None = None,
        clock: Callable[[], float] = time.time,
        on_transition: Callable[[Transition], None] | None = None,
        on_state: Callable[[State], None] | None = None,
        on_rejection: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.policy = policy
        local = MemoryStore(name, policy, clock)
        self.store: Store = local
        if redis:
            absence = absence or Absence("breaker", lambda: redis().ping())
            self.store = Failover(RedisStore(name, policy, redis), local, clock, absence)
        self._on_transition = on_transition
        self._on_state = on_state
        self._on_rejection = on_rejection

    def acquire(self) -> Permit:
        """Permission for one call; raises CircuitOpen. Settle it, or a probe keeps its place until its lease ends."""
        admission = self.store.acquire()
        self._tell(admission.transition)
        _call(self._on_state, admission.state)
        if not admission.admitted:
            _call(self._on_rejection)
            raise CircuitOpen(self.name, admission.wait, admission.state)
        return Permit(self.store, self.policy, admission, self._tell)

    def force(self, state: Literal["open", "closed"], *, who: str, reason: str, seconds: float | None) -> Transition:
        """Hold the circuit open or closed, whatever calls say; None: until `reset`.

        After its time a forced open circuit is half-open, a forced closed one closed and without a memory of failures.
        Raises StoreUnavailable when Redis is away, ValueError without a reason or with a time that isn't one.
        """
        if not reason.strip():
            raise ValueError("a forced state needs a reason")
        if seconds is not None and not 0 < seconds < float("inf"):
            raise ValueError("a forced state lasts more than 0 seconds")
        transition = self.store.force(state, who=who, reason=reason, seconds=seconds)
        self._tell(transition)
        return transition

    def reset(self, *, who: str, reason: str) -> Transition:
        """Close the circuit, forget failures and forced states. Raises StoreUnavailable when Redis is away."""
        transition = self.store.reset(who=who, reason=reason)
        self._tell(transition)
        return transition

    def snapshot(self) -> Snapshot:
        """What it looks like now; changes nothing, asks nobody but Redis."""
        return self.store.snapshot()

    def _tell(self, transition: Transition | None) -> None:
        if transition is not None:
            _call(self._on_transition, transition)


def _call(listener: Callable[..., None] | None, *arguments: Any) -> None:
    if listener is None:
        return
    try:
        listener(*arguments)
    except Exception:
        # Whoever listens must never cost a call its answer.
        log.exception("A breaker's listener failed")
