from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from chat.upstream.breaker.circuit import Admission, Failure, State, Tally, Transition
from chat.upstream.breaker.failover import Store
from chat.upstream.breaker.policy import Policy

SLOW = "slow"  # the failure code of a call whose first byte came too late


class Permit:
    """Permission for one call, settled once: the first word counts, from whichever thread.

    As a context manager it is ignored when nothing else was said. A permit nobody settles costs nothing; when it is a
    probe it keeps its place until its lease ends.
    """

    __slots__ = ("_admission", "_policy", "_store", "_tell", "_unsettled")

    def __init__(
        self, store: Store, policy: Policy, admission: Admission, tell: Callable[[Transition | None], None]
    ) -> None:
        self._store = store
        self._policy = policy
        self._admission = admission
        self._tell = tell
        self._unsettled = threading.Lock()

    @property
    def state(self) -> State:
        """The circuit's when it let this call through."""
        return self._admission.state

    @property
    def is_probe(self) -> bool:
        """Whether this call decides if the circuit closes again."""
        return self._admission.probe > 0

    def success(self, first_byte_after: float) -> None:
        """The upstream answered, its first byte after so many seconds; later than `slow_call` is a failure."""
        if first_byte_after > self._policy.slow_call:
            self.failure(SLOW)
        elif self._settle():
            self._tell(self._store.record(self._admission, None).transition)

    def failure(self, code: str, retry_after: float | None = None) -> Tally:
        """The upstream failed. `code` is from a closed set, free of content; `retry_after` is what it asked for, in
        seconds: the circuit then stays open at least as long, within `open_max`.

        Returns how many of the fleet's calls fail just now, this one included; (0, 0) where nobody can tell."""
        if not self._settle():
            return Tally(0, 0)
        asked = min(max(0.0, retry_after or 0.0), self._policy.open_max)
        vote = self._store.record(self._admission, Failure(code, asked))
        self._tell(vote.transition)
        return vote.tally

    def neutral(self) -> None:
        """The upstream is there, but its answer says nothing of its health: a success as a probe, else ignored."""
        if self.is_probe:
            self.success(first_byte_after=0.0)
        else:
            self.ignore()

    def ignore(self) -> None:
        """It never came to an answer, and not by the upstream's fault: neither success nor failure."""
        if self._settle() and self.is_probe:
            self._store.release(self._admission)

    def _settle(self) -> bool:
        return self._unsettled.acquire(blocking=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.ignore()
