"""Runs a soak test: start, warm up, three identical thirds, rest, report."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.drill.environment import SHORT_TIMES, TOKENS_PER_SECOND, Environment
from benchmarks.drill.faults import FAULTS, DrillContext
from benchmarks.drill.load import ClientPool, require_answers
from benchmarks.soak.actions import UNAVAILABLE, MixedLoad
from benchmarks.soak.growth import rows
from benchmarks.soak.report import FaultPeriod, Report
from benchmarks.soak.samples import Sampler

# Shares of the duration. Caches and pools fill during the warm-up; the rest is longer than the minute for which
# chat/runs/broker.py keeps a finished run.
WARM_UP, LOAD, REST = 0.2, 0.68, 0.12
SAMPLES_PER_THIRD = 40
MIN_GROWTH_SECONDS = 300.0  # pools and allocators grow for some minutes in any case
GENERATIONS_PER_THIRD = 3
MIN_INTERVAL = 1.0  # seconds between two samples

# The faults of each third, and their durations in seconds.
FAULT_SECONDS = {"ai-500": 3.0, "redis-frozen": 1.0, "ai-slow": 3.0, "postgres-killed": 1.0, "ai-cut": 3.0}

Callback = Callable[[str], None]


class SoakRunner:
    """Runs a soak of `seconds`. Calls `on_step` at each step, and `on_status` once a second."""

    def __init__(self, seconds: float, on_step: Callback, on_status: Callback) -> None:
        self._seconds = seconds
        self._on_step = on_step
        self._on_status = on_status
        self._faults: list[FaultPeriod] = []

    def run(self) -> Report:
        began = time.monotonic()
        self._on_step("Starting two instances, Redis, PostgreSQL and the stand-in AI …")
        with Environment(SHORT_TIMES) as environment:
            clients = ClientPool([instance.url for instance in environment.instances], environment.secret)
            require_answers(clients.learn_answers())
            environment.ai.pace(TOKENS_PER_SECOND)
            third = self._seconds * LOAD / 3
            interval, ttl = max(MIN_INTERVAL, third / SAMPLES_PER_THIRD), third / GENERATIONS_PER_THIRD
            with Sampler(environment, interval, ttl) as sampler:
                with MixedLoad(clients, environment.secret) as load:
                    thirds = self._run_thirds(DrillContext(environment, clients), load, sampler, third)
                self._on_step("Rest: no more requests.")
                self._wait(load, sampler, self._seconds * REST)
                load.read_all_histories()
            rest, unfinished = sampler.take(), sampler.unfinished()
            table = rows(sampler.samples, thirds, rest)
            return Report(
                table,
                load.results,
                self._faults,
                unfinished,
                sampler.replaced,
                time.monotonic() - began,
                self._seconds >= MIN_GROWTH_SECONDS,
                sampler.samples,
            )

    def _run_thirds(self, context: DrillContext, load: MixedLoad, sampler: Sampler, third: float) -> list[float]:
        """Warm up, then run three thirds. Returns the four times that delimit the thirds."""
        edges = []
        for name, seconds in zip(
            ("Warming up", "First third", "Second third", "Last third"),
            (self._seconds * WARM_UP, third, third, third),
            strict=True,
        ):
            self._on_step(f"{name}, {seconds:.0f} s: {', '.join(FAULT_SECONDS)}")
            edges.append(time.time())
            self._run_period(context, load, sampler, seconds)
        return [*edges[1:], time.time()]

    def _run_period(self, context: DrillContext, load: MixedLoad, sampler: Sampler, seconds: float) -> None:
        """Inject one fault after the other, with a pause before each and after the last."""
        began = time.monotonic()
        faults = [next(fault for fault in FAULTS if fault.name == name) for name in FAULT_SECONDS]
        for number, fault in enumerate(faults, start=1):
            self._wait(load, sampler, began + seconds * number / (len(faults) + 1) - time.monotonic())
            injected = time.time()
            with fault.inject(context):
                self._wait(load, sampler, min(FAULT_SECONDS[fault.name], seconds / 10), fault.name)
            self._faults.append(FaultPeriod(fault.name, injected, time.time()))
        self._wait(load, sampler, began + seconds - time.monotonic())
        load.read_all_histories()

    def _wait(self, load: MixedLoad, sampler: Sampler, seconds: float, fault: str = "") -> None:
        until = time.monotonic() + seconds
        while (remaining := until - time.monotonic()) > 0:
            time.sleep(min(1.0, remaining))
            failures = sum(result.error not in {"", UNAVAILABLE} for result in load.results)
            values = sampler.samples[-1].values if sampler.samples else {}
            memory = "+".join(f"{value:.0f}" for name, value in values.items() if name.startswith("memory"))
            self._on_status(f"{fault or 'no fault'}: {len(load.results)} actions, {failures} not answered, {memory} MB")
