"""One soak from start to end: up, warm, three thirds of the same, quiet, and what that says."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.soak.growth import rows
from benchmarks.soak.report import Report, Struck
from benchmarks.soak.samples import Sampler
from benchmarks.soak.visits import PUT_OFF, Visitors
from chat.drill.faults import FAULTS, Scene
from chat.drill.load import Crowd, consume
from chat.drill.stage import PACE, Stage

# Shares of the whole. All that is done once, caches and pools above all, is done while it warms up; what is kept on
# purpose for a minute after an answer's end (chat/runs/office.py) is gone after a tenth of ten minutes, and a little.
WARM, LOAD, QUIET = 0.2, 0.68, 0.12
SAMPLES_A_THIRD = 40
GROWTH_TAKES_SECONDS = 300.0  # in a shorter one pools and allocators are still filling when it ends
GENERATIONS_A_THIRD = 3
SHORTEST_PAUSE = 1.0  # seconds between two samples

# What goes wrong in each third, and for how many seconds.
WRONG = {"ai-500": 3.0, "redis-frozen": 1.0, "ai-slow": 3.0, "postgres-killed": 1.0, "ai-cut": 3.0}

Tell = Callable[[str], None]


class Soak:
    """One soak of so many seconds. `announce` hears of each step, `tick` how it goes, once a second."""

    def __init__(self, seconds: float, announce: Tell, tick: Tell) -> None:
        self._seconds = seconds
        self._announce = announce
        self._tick = tick
        self._faults: list[Struck] = []

    def run(self) -> Report:
        began = time.monotonic()
        self._announce("Starting two instances, Redis, PostgreSQL and the stand-in AI …")
        with Stage() as stage:
            crowd = Crowd([instance.url for instance in stage.instances], stage.secret)
            consume(crowd.learn())
            stage.ai.pace(PACE)
            third = self._seconds * LOAD / 3
            every, life = max(SHORTEST_PAUSE, third / SAMPLES_A_THIRD), third / GENERATIONS_A_THIRD
            with Sampler(stage, every, life) as sampler:
                with Visitors(crowd, stage.secret) as visitors:
                    thirds = self._days(Scene(stage, crowd), visitors, sampler, third)
                self._announce("Nobody asks any more.")
                self._watch(visitors, sampler, self._seconds * QUIET)
                visitors.read_everything()
            rest, left_over = sampler.take(), sampler.under_way()
            found = rows(sampler.samples, thirds, rest)
            return Report(
                found,
                visitors.visits,
                self._faults,
                left_over,
                sampler.replaced,
                time.monotonic() - began,
                self._seconds >= GROWTH_TAKES_SECONDS,
                sampler.samples,
            )

    def _days(self, scene: Scene, visitors: Visitors, sampler: Sampler, third: float) -> list[float]:
        """The same four times, the first one shorter and to get warm. The moments between which the thirds lie."""
        edges = []
        for name, seconds in zip(
            ("Warming up", "First third", "Second third", "Last third"),
            (self._seconds * WARM, third, third, third),
            strict=True,
        ):
            self._announce(f"{name}, {seconds:.0f} s: {', '.join(WRONG)}")
            edges.append(time.time())
            self._day(scene, visitors, sampler, seconds)
        return [*edges[1:], time.time()]

    def _day(self, scene: Scene, visitors: Visitors, sampler: Sampler, seconds: float) -> None:
        """One fault after the other, with peace before each and after the last."""
        began = time.monotonic()
        faults = [next(fault for fault in FAULTS if fault.name == name) for name in WRONG]
        for number, fault in enumerate(faults, start=1):
            self._watch(visitors, sampler, began + seconds * number / (len(faults) + 1) - time.monotonic())
            struck = time.time()
            with fault.hold(scene):
                self._watch(visitors, sampler, min(WRONG[fault.name], seconds / 10), fault.name)
            self._faults.append(Struck(fault.name, struck, time.time()))
        self._watch(visitors, sampler, began + seconds - time.monotonic())
        visitors.read_everything()

    def _watch(self, visitors: Visitors, sampler: Sampler, seconds: float, what: str = "") -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(1.0, left))
            troubles = sum(visit.trouble not in {"", PUT_OFF} for visit in visitors.visits)
            values = sampler.samples[-1].values if sampler.samples else {}
            memory = "+".join(f"{value:.0f}" for name, value in values.items() if name.startswith("memory"))
            self._tick(f"{what or 'peace'}: {len(visitors.visits)} visits, {troubles} not answered, {memory} MB")
