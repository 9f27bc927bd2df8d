"""The story of a drill: get everything up, see how it goes in peace, then let one thing after the other go wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import quantiles

import psycopg

from chat.drill import evidence
from chat.drill.evidence import Logs
from chat.drill.faults import CLOCK_SHIFT, Fault, Scene
from chat.drill.figures import (
    Baseline,
    Figures,
    Observation,
    Price,
    baseline,
    figures,
    misses,
)
from chat.drill.load import Crowd, Load, consume
from chat.drill.people import Outcome
from chat.drill.report import Report, latencies
from chat.drill.stage import PACE, Stage

CALM_SECONDS = 8.0
LEAD_IN_SECONDS = 1.0  # so that questions are under way when a fault strikes
LEAK_SECONDS = 5.0
RECOVERY_SECONDS = 15.0  # waited for at most
SOUND_SECONDS = 1.0  # without a flaw for so long: recovered
SAMPLES = 40

Tell = Callable[[str], None]


class Rehearsal:
    """One drill of these faults, `seconds` each. `announce` hears of each step, `tick` how it goes, once a second."""

    def __init__(self, faults: Sequence[Fault], seconds: float, announce: Tell, tick: Tell) -> None:
        self.faults = faults
        self.seconds = seconds
        self.announce = announce
        self.tick = tick

    def run(self) -> Report:
        began = time.monotonic()
        self.announce("Starting two instances, Redis, PostgreSQL and the stand-in AI …")
        with Stage() as stage:
            scene = Scene(stage, Crowd([instance.url for instance in stage.instances], stage.secret))
            consume(scene.crowd.learn())
            calm = self._peace(scene)
            rows = [self._rehearse(fault, scene, calm) for fault in self.faults]
        return Report(calm, rows, time.monotonic() - began)

    def _peace(self, scene: Scene) -> Baseline:
        scene.stage.ai.pace(PACE)
        with Load(scene.crowd) as load:
            self._watch("peace", load, until=time.time() + CALM_SECONDS)
        calm = baseline(load.outcomes)
        self.announce(latencies(calm))
        return calm

    def _rehearse(self, fault: Fault, scene: Scene, calm: Baseline) -> Figures:
        self.announce(f"{fault.name}: {fault.what}")
        self._await_peace(scene)
        price = self._price(scene) if fault.name == "redis-frozen" else None
        found = figures(self._observe(fault, scene, price), calm)
        for miss in misses(found):
            self.announce(f"  missed: {miss}")
        return found

    def _observe(self, fault: Fault, scene: Scene, price: Price | None) -> Observation:
        logs = Logs(instance.log for instance in scene.stage.instances)
        scene.vanished.clear()
        with Load(scene.crowd) as load:
            self._watch("before", load, until=time.time() + LEAD_IN_SECONDS)
            began = time.time()
            with fault.hold(scene):
                struck = time.time()
                self._watch(fault.name, load, until=began + self.seconds)
            until = time.time()
            ended = struck if fault.is_over_at_once else until
            self._watch("after", load, until=ended + LEAK_SECONDS)
            ledger = scene.stage.ai.requests
            self._await_recovery(load)
        lines = logs.read(wrong_by=CLOCK_SHIFT)
        return Observation(
            fault=fault.name,
            is_of_the_ai=fault.is_of_the_ai,
            began=began,
            ended=ended,
            until=until,
            outcomes=load.outcomes,
            vanished=list(scene.vanished),
            calls=evidence.calls(ledger, lines),
            changes=evidence.changes(lines),
            kept=_kept(scene.stage, load.outcomes),
            price=price,
        )

    def _watch(self, what: str, load: Load, until: float) -> None:
        while (left := until - time.time()) > 0:
            time.sleep(min(1.0, left))
            self.tick(f"{what}: {load}")

    def _await_recovery(self, load: Load) -> None:
        """Until answers have been flawless for a while, again or still."""
        limit = time.time() + RECOVERY_SECONDS
        while time.time() < limit:
            late = [outcome for outcome in list(load.outcomes) if outcome.asked_at >= time.time() - SOUND_SECONDS - 1]
            if late and all(outcome.is_perfect for outcome in late):
                return
            self._watch("recovery", load, until=time.time() + SOUND_SECONDS / 2)

    def _await_peace(self, scene: Scene) -> None:
        """Begin each fault alike: nothing ordered of the AI, both instances sound, the known questions in the cache."""
        scene.stage.ai.reset()
        limit = time.time() + RECOVERY_SECONDS
        while time.time() < limit:
            if all(outcome.is_perfect for outcome in (*scene.crowd.warm(), *self._series(scene, 4))):
                break
            time.sleep(0.5)
        else:
            self.announce("  not sound again after the last fault; going on all the same")
        scene.stage.ai.pace(PACE)

    def _price(self, scene: Scene) -> Price:
        """What a frozen Redis costs, without any other load: new questions one by one, at both instances in turn."""
        scene.stage.ai.pace(0)
        before = self._series(scene, SAMPLES)
        scene.stage.redis.freeze()
        first, later = self._series(scene, 2), self._series(scene, SAMPLES)
        scene.stage.redis.thaw()
        self._await_peace(scene)
        scene.stage.ai.pace(0)
        calm = [*before, *self._series(scene, SAMPLES)]  # before and after: the machine's mood changes
        scene.stage.ai.pace(PACE)
        slowest_first = max(outcome.took for outcome in first) * 1000
        return Price(
            slowest_first - _decile(calm, 5), _decile(later, 5) - _decile(calm, 5), _decile(later, 9) - _decile(calm, 9)
        )

    @staticmethod
    def _series(scene: Scene, count: int) -> list[Outcome]:
        return [scene.crowd.ask(scene.crowd.question("new", "json"), number % 2) for number in range(count)]


def _decile(outcomes: Sequence[Outcome], number: int) -> float:
    """Milliseconds; the fifth is the median."""
    return quantiles((outcome.took * 1000 for outcome in outcomes), n=10, method="inclusive")[number - 1]


def _kept(stage: Stage, outcomes: Sequence[Outcome]) -> dict[str, str]:
    """What the history holds of these answers, as they ended."""
    with psycopg.connect(stage.postgres.address) as connection:
        rows = connection.execute(
            "SELECT public_id, text FROM chat_message WHERE public_id = ANY(%s) AND status <> 'pending'",
            [[outcome.message_id for outcome in outcomes]],
        )
        return dict(rows.fetchall())
