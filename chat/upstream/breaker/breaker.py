"""The circuit breaker as its callers use it: acquire a permit, make the call, report the result."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any, Literal

from redis import Redis

from chat.upstream.breaker.circuit import Caller, State, Transition
from chat.upstream.breaker.failover import Failover, Store
from chat.upstream.breaker.memory import MemoryStore
from chat.upstream.breaker.permit import Permit, RecentFailures
from chat.upstream.breaker.policy import Policy
from chat.upstream.breaker.redis import RedisStore
from chat.upstream.breaker.snapshot import Snapshot
from observability import logs
from observability.outage import Outage

log = logs.get_logger(__name__)


class CircuitOpen(Exception):
    """The circuit refuses this call. `retry_after` is in seconds, None when unknown.

    With the `state` `half_open` a probe is running: `retry_after` is the time until that probe is given up, and a call
    may be admitted sooner.
    """

    def __init__(self, name: str, retry_after: float | None, state: State = "open") -> None:
        super().__init__(f"the circuit {name} is open")
        self.name = name
        self.retry_after = retry_after
        self.state = state


class Breaker:
    """One circuit breaker, shared with every process that gives it the same name, target and Redis.

    `target` is what the calls go to, as a short key: another target begins with a closed circuit.

    ::

        with breaker.acquire() as permit:  # raises CircuitOpen
            ...
            permit.success(first_byte_after=0.8)

    `redis` creates the client (with responses in bytes and short timeouts); it is called at first use. None keeps the
    state in this process alone. `outage` tracks whether that Redis is available; pass it where other code in this
    process uses the same server. `clock` (unix seconds) is for the memory store; in Redis, Redis' own clock counts.

    The listeners are called in the thread that caused the event; their errors are logged and not raised.
    `on_transition` gets each transition, in exactly one process of the fleet; `on_state` the state that each `acquire`
    found; `on_rejection` is called for each CircuitOpen.
    """

    def __init__(  # noqa: PLR0913 – identity, stores and listeners
        self,
        name: str,
        policy: Policy,
        *,
        target: str = "",
        redis: Callable[[], Redis] | None,
        outage: Outage | None = None,
        clock: Callable[[], float] = time.time,
        on_transition: Callable[[Transition], None] | None = None,
        on_state: Callable[[State], None] | None = None,
        on_rejection: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.policy = policy
        self.recent_failures = RecentFailures()
        local = MemoryStore(name, policy, clock)
        self.store: Store = local
        if redis:
            outage = outage or Outage("breaker", lambda: redis().ping())
            self.store = Failover(RedisStore(name, policy, redis, target=target), local, clock, outage)
        self._on_transition = on_transition
        self._on_state = on_state
        self._on_rejection = on_rejection

    def acquire(self, subject: str = "", *, is_background: bool = False) -> Permit:
        """Return a permit for one call; settle it with the result. Raises CircuitOpen.

        `subject` is a short key (no spaces) of what the call is about, shared by its attempts; "" if nothing else is
        about the same. The successes of background calls don't hide the failures of others.
        """
        admission = self.store.acquire()
        self._notify(admission.transition)
        _call(self._on_state, admission.state)
        if not admission.admitted:
            _call(self._on_rejection)
            raise CircuitOpen(self.name, admission.wait, admission.state)
        caller = Caller(subject or secrets.token_hex(4), is_background)
        recent = self.recent_failures
        return Permit(self.store, self.policy, admission, caller, recent=recent, notify=self._notify)

    def force(self, state: Literal["open", "closed"], *, who: str, reason: str, seconds: float | None) -> Transition:
        """Hold the circuit open or closed, whatever the calls' results, for so many seconds; None: until `reset`.

        `who` is the operator's name. When the time is over, a forced open circuit becomes half-open, and a forced
        closed one stays closed, with all failures forgotten. Raises StoreUnavailable when Redis is unavailable, and
        ValueError for an empty reason or a duration that is not positive and finite.
        """
        if not reason.strip():
            raise ValueError("a forced state needs a reason")
        if seconds is not None and not 0 < seconds < float("inf"):
            raise ValueError("a forced state needs a positive, finite number of seconds")
        transition = self.store.force(state, who=who, reason=reason, seconds=seconds)
        self._notify(transition)
        return transition

    def reset(self, *, who: str, reason: str) -> Transition:
        """Close the circuit; forget failures and a forced state. Raises StoreUnavailable when Redis is unavailable."""
        transition = self.store.reset(who=who, reason=reason)
        self._notify(transition)
        return transition

    def snapshot(self) -> Snapshot:
        """The current state; changes nothing."""
        return self.store.snapshot()

    def _notify(self, transition: Transition | None) -> None:
        if transition is not None:
            _call(self._on_transition, transition)


def _call(listener: Callable[..., None] | None, *arguments: Any) -> None:
    if listener is None:
        return
    try:
        listener(*arguments)
    except Exception:
        # A bug in a listener must not fail the call.
        log.exception("Breaker listener failed")
