"""Both stores behave alike: after each step of any sequence, Redis and process memory give the same results."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chat.upstream.breaker import Breaker, CircuitOpen, Permit, Policy, Transition
from tests.support.breakers import Clock, breaker_with_clock

# Small numbers, so that a few steps reach every state.
policies = st.builds(
    Policy,
    failure_threshold=st.integers(1, 6),
    window=st.sampled_from([1.0, 7.3, 60.0]),
    min_calls=st.integers(1, 12),
    failure_rate=st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 1.0]),
    slow_call=st.just(2.0),
    open_for=st.sampled_from([0.5, 5.0]),
    open_max=st.sampled_from([5.0, 12.0]),
    probes=st.integers(1, 3),
    success_threshold=st.integers(1, 3),
    probe_lease=st.sampled_from([1.0, 4.0]),
    min_subjects=st.integers(1, 4),
    min_streak=st.sampled_from([0.0, 0.05, 1.0]),
)
subjects = st.sampled_from(["a", "b", "c", "d", "e"])
durations = st.sampled_from([0.001, 0.05, 0.365, 0.5, 1.0, 3.0, 5.0, 10.0, 60.0]) | st.floats(0, 20)


class Agreement(RuleBasedStateMachine):
    """Takes each step in both stores; results, notifications and snapshots must be equal."""

    @initialize(policy=policies)
    def create_breakers(self, policy: Policy) -> None:
        self.clock = Clock()
        self.notified: list[list[Transition]] = [[], []]
        self.breakers: list[Breaker] = [
            breaker_with_clock(store, self.clock, policy, on_transition=notified.append)
            for store, notified in zip(["redis", "memory"], self.notified, strict=True)
        ]
        self.permits: list[list[Permit]] = []

    @rule(seconds=durations)
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(seconds=durations)
    def clock_goes_back(self, seconds: float) -> None:
        self.clock.advance(-seconds)

    @rule(subject=subjects, is_background=st.booleans())
    def acquire(self, subject: str, is_background: bool) -> None:
        redis, memory = (self._acquire(breaker, subject, is_background) for breaker in self.breakers)
        if isinstance(redis, Permit):
            assert isinstance(memory, Permit)
            assert redis.is_probe == memory.is_probe
            self.permits.append([redis, memory])
        else:
            assert redis == memory

    @precondition(lambda self: self.permits)
    @rule(data=st.data(), seconds=st.sampled_from([0.1, 2.0, 2.1]))
    def succeed(self, data: st.DataObject, seconds: float) -> None:
        for permit in self._any_permit(data):
            permit.success(seconds)

    @precondition(lambda self: self.permits)
    @rule(data=st.data(), code=st.sampled_from(["timeout", "http_503"]), retry_after=st.none() | durations)
    def fail(self, data: st.DataObject, code: str, retry_after: float | None) -> None:
        redis, memory = (permit.failure(code, retry_after) for permit in self._any_permit(data))
        assert redis == memory

    @precondition(lambda self: self.permits)
    @rule(data=st.data())
    def end_without_result(self, data: st.DataObject) -> None:
        for permit in self._any_permit(data):
            permit.neutral()

    @rule(
        some=st.lists(subjects, min_size=1, max_size=5),
        is_background=st.booleans(),
        code=st.sampled_from(["timeout", "http_503"]),
        seconds=st.sampled_from([0.0, 0.01, 0.3]),
    )
    def calls_fail(self, some: list[str], is_background: bool, code: str, seconds: float) -> None:
        for subject in some:
            self.clock.advance(seconds)
            self.acquire(subject, is_background)
            for permit in self.permits[-1] if self.permits else []:
                permit.failure(code)

    @rule(times=st.integers(1, 5), is_background=st.booleans())
    def calls_succeed(self, times: int, is_background: bool) -> None:
        for _ in range(times):
            self.acquire("a", is_background)
            for permit in self.permits[-1] if self.permits else []:
                permit.success(0.1)

    @rule(early=st.sampled_from([0.0, 0.001]))
    def next_probe_is_due(self, early: float) -> None:
        self.clock.advance(max(0.0, (self.breakers[1].snapshot().retry_after or 0.0) - early))

    @precondition(lambda self: self._operator_may_act())
    @rule(state=st.sampled_from(["open", "closed"]), seconds=st.none() | durations.filter(lambda s: s > 0))
    def force(self, state: Any, seconds: float | None) -> None:
        for breaker in self.breakers:
            breaker.force(state, who="ada", reason="« why »", seconds=seconds)

    @precondition(lambda self: self._operator_may_act())
    @rule()
    def reset(self) -> None:
        for breaker in self.breakers:
            breaker.reset(who="ada", reason="")

    @invariant()
    def snapshots_are_equal(self) -> None:
        redis, memory = (self._snapshot(breaker) for breaker in self.breakers)
        assert redis == memory
        assert self.notified[0] == self.notified[1]

    def _operator_may_act(self) -> bool:
        """Only after some transitions: more forced states would hide all other states."""
        return len(self.notified[0]) % 4 == 3 or self.breakers[1].snapshot().forced is not None

    def _any_permit(self, data: st.DataObject) -> list[Permit]:
        """Any permit, including expired and settled ones."""
        return self.permits[data.draw(st.integers(0, len(self.permits) - 1))]

    @staticmethod
    def _acquire(breaker: Breaker, subject: str, is_background: bool) -> Permit | float | None:
        try:
            return breaker.acquire(subject, is_background=is_background)
        except CircuitOpen as error:
            return error.retry_after

    @staticmethod
    def _snapshot(breaker: Breaker) -> dict[str, Any]:
        return breaker.snapshot().as_dict() | {"name": "", "source": ""}


TestBothStoresAgree = Agreement.TestCase
TestBothStoresAgree.settings = settings(
    max_examples=60, stateful_step_count=40, suppress_health_check=list(HealthCheck), derandomize=True
)
