"""The two stores are one behaviour: whatever happens, Redis and process memory say the same at each step."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chat.upstream.breaker import Breaker, CircuitOpen, Permit, Policy, Transition
from tests.chat.test_breaker import Clock, timed_breaker

# Small numbers, so that a few steps reach every corner.
policies = st.builds(
    Policy,
    window=st.sampled_from([1.0, 7.3, 60.0]),
    failure_threshold=st.integers(1, 4),
    failure_rate=st.sampled_from([0.0, 0.1, 1 / 3, 0.5, 1.0]),
    slow_call=st.just(2.0),
    open_for=st.sampled_from([0.5, 5.0]),
    open_max=st.sampled_from([5.0, 12.0]),
    probes=st.integers(1, 3),
    success_threshold=st.integers(1, 3),
    probe_lease=st.sampled_from([1.0, 4.0]),
)
durations = st.sampled_from([0.001, 0.05, 0.365, 0.5, 1.0, 3.0, 5.0, 10.0, 60.0]) | st.floats(0, 20)


class Agreement(RuleBasedStateMachine):
    """Each step is taken in both stores; what they answer, tell and show must be equal."""

    @initialize(policy=policies)
    def begin(self, policy: Policy) -> None:
        self.clock = Clock()
        self.told: list[list[Transition]] = [[], []]
        self.breakers: list[Breaker] = [
            timed_breaker(store, self.clock, policy, on_transition=told.append)
            for store, told in zip(["redis", "memory"], self.told, strict=True)
        ]
        self.permits: list[list[Permit]] = []

    @rule(seconds=durations)
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(seconds=durations)
    def the_clock_goes_back(self, seconds: float) -> None:
        self.clock.advance(-seconds)

    @rule()
    def acquire(self) -> None:
        redis, memory = (self._acquire(breaker) for breaker in self.breakers)
        if isinstance(redis, Permit):
            assert isinstance(memory, Permit)
            assert redis.is_probe == memory.is_probe
            self.permits.append([redis, memory])
        else:
            assert redis == memory

    @precondition(lambda self: self.permits)
    @rule(data=st.data(), seconds=st.sampled_from([0.1, 2.0, 2.1]))
    def succeed(self, data: st.DataObject, seconds: float) -> None:
        for permit in self._one(data):
            permit.success(seconds)

    @precondition(lambda self: self.permits)
    @rule(data=st.data(), code=st.sampled_from(["timeout", "http_503"]), retry_after=st.none() | durations)
    def fail(self, data: st.DataObject, code: str, retry_after: float | None) -> None:
        redis, memory = (permit.failure(code, retry_after) for permit in self._one(data))
        assert redis == memory

    @precondition(lambda self: self.permits)
    @rule(data=st.data(), neutral=st.booleans())
    def leave(self, data: st.DataObject, neutral: bool) -> None:
        for permit in self._one(data):
            permit.neutral() if neutral else permit.ignore()

    @rule(times=st.integers(1, 5), code=st.sampled_from(["timeout", "http_503"]))
    def calls_fail(self, times: int, code: str) -> None:
        for _ in range(times):
            self.acquire()
            for permit in self.permits[-1] if self.permits else []:
                permit.failure(code)

    @rule(times=st.integers(1, 5))
    def calls_succeed(self, times: int) -> None:
        for _ in range(times):
            self.acquire()
            for permit in self.permits[-1] if self.permits else []:
                permit.success(0.1)

    @rule(early=st.sampled_from([0.0, 0.001]))
    def the_next_probe_is_due(self, early: float) -> None:
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
    def both_show_the_same(self) -> None:
        redis, memory = (self._shown(breaker) for breaker in self.breakers)
        assert redis == memory
        assert self.told[0] == self.told[1]

    def _operator_may_act(self) -> bool:
        """After every few transitions, or forced states would hide all others."""
        return len(self.told[0]) % 4 == 3 or self.breakers[1].snapshot().forced is not None

    def _one(self, data: st.DataObject) -> list[Permit]:
        """Any permit, old ones and settled ones too."""
        return self.permits[data.draw(st.integers(0, len(self.permits) - 1))]

    @staticmethod
    def _acquire(breaker: Breaker) -> Permit | float | None:
        try:
            return breaker.acquire()
        except CircuitOpen as error:
            return error.retry_after

    @staticmethod
    def _shown(breaker: Breaker) -> dict[str, Any]:
        return breaker.snapshot().as_dict() | {"name": "", "source": ""}


TestBothStoresAgree = Agreement.TestCase
TestBothStoresAgree.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
