"""Runs a drill: start the environment, measure the baseline, then inject one fault after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import quantiles

from benchmarks.drill import observations
from benchmarks.drill.clients import Outcome
from benchmarks.drill.environment import SHIPPED, TOKENS_PER_SECOND, Environment
from benchmarks.drill.faults import CLOCK_SHIFT, DrillContext, Fault
from benchmarks.drill.figures import Baseline, Figures, Hostile, Observation, Price, baseline_of, figures_of
from benchmarks.drill.load import ClientPool, QuestionLoad, require_answers
from benchmarks.drill.objectives import missed_objectives
from benchmarks.drill.observations import Logs
from benchmarks.drill.report import Report, describe_baseline

BASELINE_SECONDS = 8.0
BASELINE_RATE = 5.0  # questions a second
LEAK_SECONDS = 5.0
LONGEST_CALL_SECONDS = 14.0  # a call may be silent for AI_FIRST_WORDS_SECONDS
RESTORE_TIMEOUT_SECONDS = 20.0
RECOVERY_SECONDS = 15.0  # unless the fault says otherwise
STABLE_SECONDS = 1.0  # recovered after this time without an affected answer
SAMPLES = 40

Callback = Callable[[str], None]


class DrillRunner:
    """Runs these faults, each at its rates and for its own time, else `seconds`.

    `rates` replace those of every fault, `settings` the shipped ones. Calls `on_step` at each step, and `on_status`
    once a second.
    """

    def __init__(  # noqa: PLR0913 - what an operator can choose, and two callbacks
        self,
        faults: Sequence[Fault],
        seconds: float,
        on_step: Callback,
        on_status: Callback,
        *,
        rates: Sequence[float] = (),
        settings: Mapping[str, str] = SHIPPED,
    ) -> None:
        self.faults = faults
        self.seconds = seconds
        self.on_step = on_step
        self.on_status = on_status
        self.rates = rates
        self.settings = settings

    def run(self) -> Report:
        began = time.monotonic()
        self.on_step("Starting two instances, Redis, PostgreSQL and the stand-in AI …")
        with Environment(self.settings) as environment:
            clients = ClientPool([instance.url for instance in environment.instances], environment.secret)
            context = DrillContext(environment, clients)
            require_answers(clients.learn_answers())
            baseline = self._measure_baseline(context)
            self._played, self._planned = 0, sum(len(self.rates or fault.rates) for fault in self.faults)
            results = [figures for fault in self.faults for figures in self._run_fault(fault, context, baseline)]
        return Report(baseline, results, time.monotonic() - began)

    def _measure_baseline(self, context: DrillContext) -> Baseline:
        context.environment.ai.pace(TOKENS_PER_SECOND)
        with QuestionLoad(context.clients, BASELINE_RATE) as load:
            self._wait("baseline", load, until=time.time() + BASELINE_SECONDS)
        baseline = baseline_of(load.outcomes)
        self.on_step(describe_baseline(baseline))
        return baseline

    def _run_fault(self, fault: Fault, context: DrillContext, baseline: Baseline) -> Iterator[Figures]:
        with _settings_of(fault, context.environment):
            for rate in self.rates or fault.rates:
                self._played += 1
                place = f"{self._played}/{self._planned}"
                self.on_step(f"[{place}] {fault.name} at {rate:g} questions/s: {fault.description}")
                self._restore(context)
                price = self._measure_frozen_redis(context) if fault.name == "redis-frozen" else None
                figures = figures_of(self._observe(fault, rate, context, price), baseline)
                for miss in missed_objectives(figures):
                    self.on_step(f"  missed: {miss}")
                yield figures

    def _observe(self, fault: Fault, rate: float, context: DrillContext, price: Price | None) -> Observation:
        logs = Logs(instance.log for instance in context.environment.instances)
        context.abandoned.clear()
        context.breaches.clear()
        with QuestionLoad(context.clients, rate, fault.kinds) as load:
            self._wait("before", load, until=time.time() + fault.lead_in)
            began = time.time()
            with fault.inject(context):
                injected = time.time()
                self._wait(fault.name, load, until=began + (fault.seconds or self.seconds))
            until = time.time()
            ended = injected if fault.is_momentary else until
            self._wait("after", load, until=ended + LEAK_SECONDS)
            self._wait_for_calls(context, load, until=ended + LONGEST_CALL_SECONDS)
            ledger = context.environment.ai.requests
            self._wait_for_recovery(load, ended, self._recovers_within(fault))
        lines = logs.read(clock_shift=CLOCK_SHIFT)
        calls, hostile_calls = observations.split_hostile(observations.upstream_calls(ledger, lines))
        return Observation(
            fault=fault.name,
            fails_the_ai=fault.fails_the_ai,
            began=began,
            ended=ended,
            until=until,
            outcomes=load.outcomes,
            abandoned=list(context.abandoned),
            calls=calls,
            changes=observations.breaker_changes(lines),
            history=context.environment.read_history([outcome.message_id for outcome in load.outcomes]),
            price=price,
            rate=rate,
            outages_logged=observations.logged_outages(lines),
            is_only_slow=fault.is_only_slow,
            recovers_within=self._recovers_within(fault),
            hostile=None if fault.budget is None else Hostile(hostile_calls, fault.budget, list(context.breaches)),
        )

    def _recovers_within(self, fault: Fault) -> float | None:
        """A circuit that a fault of the AI has opened stays open for a minute: not every fault waits for that."""
        if fault.fails_the_ai and self.settings is SHIPPED:
            return fault.recovers_within
        return fault.recovers_within or RECOVERY_SECONDS

    def _wait(self, phase: str, load: QuestionLoad, until: float) -> None:
        while (remaining := until - time.time()) > 0:
            time.sleep(min(1.0, remaining))
            self.on_status(f"{phase}: {load}")

    def _wait_for_calls(self, context: DrillContext, load: QuestionLoad, until: float) -> None:
        """Return when every call begun during the fault has ended."""
        while time.time() < until and any(
            call["ended"] == "open" and call["at"] < until - LONGEST_CALL_SECONDS
            for call in context.environment.ai.requests
        ):
            self._wait("after", load, until=time.time() + 1)

    def _wait_for_recovery(self, load: QuestionLoad, ended: float, seconds: float | None) -> None:
        """Return when no answer was affected for a while, or after `seconds`; at once if they are None."""
        stable = max(STABLE_SECONDS + 1, 3 / load.rate)
        while seconds is not None and time.time() < ended + seconds:
            recent = [outcome for outcome in list(load.outcomes) if outcome.sent_at >= time.time() - stable]
            if recent and all(outcome.is_unaffected for outcome in recent):
                return
            self._wait("recovery", load, until=time.time() + STABLE_SECONDS / 2)

    def _restore(self, context: DrillContext) -> None:
        """The same start for each fault: no fault at the AI, both instances recovered, known questions in the cache."""
        context.environment.ai.reset()
        context.environment.reset_breakers()
        deadline = time.time() + RESTORE_TIMEOUT_SECONDS
        while time.time() < deadline:
            outcomes = (*context.clients.warm_cache(), *self._ask_in_turn(context, 4))
            if all(outcome.is_unaffected for outcome in outcomes):
                break
            time.sleep(0.5)
        else:
            self.on_step("  not recovered from the last fault; continuing")
        context.environment.ai.pace(TOKENS_PER_SECOND)

    def _measure_frozen_redis(self, context: DrillContext) -> Price:
        """Compare single new questions, without other load, before, while and after Redis is frozen."""
        context.environment.ai.pace(0)
        before = self._ask_in_turn(context, SAMPLES)
        context.environment.redis.freeze()
        first, later = self._ask_in_turn(context, 2), self._ask_in_turn(context, SAMPLES)
        context.environment.redis.thaw()
        self._restore(context)
        context.environment.ai.pace(0)
        normal = [*before, *self._ask_in_turn(context, SAMPLES)]  # before and after: the machine's speed drifts
        context.environment.ai.pace(TOKENS_PER_SECOND)
        slowest_first = max(outcome.duration for outcome in first) * 1000
        return Price(
            first_call=slowest_first - _decile(normal, 5),
            later_calls=_decile(later, 5) - _decile(normal, 5),
            unlucky_calls=_decile(later, 9) - _decile(normal, 9),
        )

    @staticmethod
    def _ask_in_turn(context: DrillContext, count: int) -> list[Outcome]:
        """Send `count` new questions one by one, alternating between the instances."""
        return [context.clients.ask(context.clients.question("new", "json"), number % 2) for number in range(count)]


def _decile(outcomes: Sequence[Outcome], number: int) -> float:
    """Milliseconds; the fifth is the median."""
    return quantiles((outcome.duration * 1000 for outcome in outcomes), n=10, method="inclusive")[number - 1]


@contextmanager
def _settings_of(fault: Fault, environment: Environment) -> Iterator[None]:
    """Start the services that the fault needs, and point the instances to them."""
    if fault.settings is None:
        yield
        return
    with fault.settings(environment) as settings, environment.changed(settings):
        yield
