"""Compares rules that open a circuit breaker: time to open after the AI fails, and openings by mere chance.

`python -m benchmarks.breaker_rules` prints the tables of docs/adr/0014-open-on-failures-in-a-row.md and draws its
picture. Calls arrive at random (Poisson) and fail independently of each other; each is a question of its own.
"""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Protocol

PICTURE = Path(__file__).parents[1] / "docs/images/breaker-rules.svg"
LOADS = (0.1, 0.2, 0.5, 1, 2, 5, 8, 10, 20, 50)  # calls a second
SHARES = (1.0, 0.6)  # of calls that fail once the AI does
ROUNDS = 15
LONGEST = 600.0  # seconds until a rule counts as never opening


class Rule(Protocol):
    def opens(self, now: float, failed: bool) -> bool:
        """Record a call that ends now; whether the circuit opens with it."""
        ...


class Window:
    """The calls of the last so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.failures = 0
        self.calls: deque[tuple[float, bool]] = deque()

    def add(self, now: float, failed: bool) -> None:
        self.calls.append((now, failed))
        self.failures += failed
        while self.calls[0][0] <= now - self.seconds:
            self.failures -= self.calls.popleft()[1]

    def is_failing(self, min_calls: int, rate: float = 0.5) -> bool:
        return len(self.calls) >= min_calls and self.failures >= rate * len(self.calls)


class Old:
    """At least five failures, half of the calls, within 60 s."""

    def __init__(self) -> None:
        self.window = Window(60)

    def opens(self, now: float, failed: bool) -> bool:
        self.window.add(now, failed)
        return failed and self.window.failures >= 5 and self.window.is_failing(1)


class New:
    """Five failures in a row, the first at least a second ago; or half of at least 20 calls within 10 s."""

    def __init__(self, min_streak: float = 1.0) -> None:
        self.window = Window(10)
        self.min_streak = min_streak
        self.streak, self.since = 0, 0.0

    def opens(self, now: float, failed: bool) -> bool:
        self.window.add(now, failed)
        if not failed:
            self.streak = 0
            return False
        if not self.streak:
            self.since = now
        self.streak += 1
        return (self.streak >= 5 and now - self.since >= self.min_streak) or self.window.is_failing(20)


class CountBased:
    """resilience4j's default: half of the last 100 calls, at least 100."""

    def __init__(self) -> None:
        self.calls: deque[bool] = deque()
        self.failures = 0

    def opens(self, now: float, failed: bool) -> bool:
        self.calls.append(failed)
        self.failures += failed
        if len(self.calls) > 100:
            self.failures -= self.calls.popleft()
        return len(self.calls) == 100 and self.failures >= 50


class TimeBased:
    """resilience4j with a time-based window and its other defaults: half of at least 100 calls within 100 s."""

    def __init__(self) -> None:
        self.window = Window(100)

    def opens(self, now: float, failed: bool) -> bool:
        self.window.add(now, failed)
        return self.window.is_failing(100)


class Consecutive:
    """Envoy's default: five failures in a row, in one process. Also what this project's original did."""

    def __init__(self) -> None:
        self.streak = 0

    def opens(self, now: float, failed: bool) -> bool:
        self.streak = self.streak + 1 if failed else 0
        return self.streak >= 5


RULES: dict[str, tuple[Callable[[], Rule], str]] = {
    "before: 50 % of 60 s": (Old, "#8a8f98"),
    "now": (New, "#2f6f9f"),
    "resilience4j, count-based": (CountBased, "#c9772b"),
    "resilience4j, time-based": (TimeBased, "#b04a5a"),
    "Envoy, consecutive 5xx": (Consecutive, "#5a8f3c"),
}


def time_to_open(make_rule: Callable[[], Rule], load: float, share: float, seed: int) -> tuple[float, int]:
    """Seconds from the AI's failure, after healthy traffic, until the circuit opens, and the calls failed by then."""
    rng, rule = random.Random(seed), make_rule()
    now, failures = -max(120.0, 120 / load), 0
    while now < 0:
        rule.opens(now, False)
        now += rng.expovariate(load)
    while now < LONGEST:
        failed = rng.random() < share
        failures += failed
        if rule.opens(now, failed):
            return now, failures
        now += rng.expovariate(load)
    return math.inf, failures


def false_openings(make_rule: Callable[[], Rule], load: float, share: float, hours: float, seed: int) -> int:
    """How often the rule opens in so many hours of this load, of which this share fails. It begins anew each time."""
    rng, rule = random.Random(seed), make_rule()
    now, opened = 0.0, 0
    while now < hours * 3600:
        now += rng.expovariate(load)
        if rule.opens(now, rng.random() < share):
            opened, rule = opened + 1, make_rule()
    return opened


def streaks_per_hour(load: float, share: float, min_streak: float) -> float:
    """Expected streaks an hour that reach five failures and `min_streak` seconds: computed, not simulated.

    A streak begins at a rate of load · (1 - share) · share. It opens the circuit with its n-th failure, n ≥ 5, if the
    n - 1 waits from the first add up to `min_streak`. The chance that some n satisfies this: the streak lasts for at
    least five failures, and on until the time has passed.
    """
    chance = 0.0
    for length in range(5, 400):  # failures in the streak, exactly
        # P(the last of `length` failures is at least min_streak after the first) = Erlang tail with length - 1 waits.
        mean = load * min_streak
        tail = sum(math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(length - 1)) if mean else 1
        chance += share ** (length - 1) * (1 - share) * tail
    return load * 3600 * (1 - share) * share * chance


def rate_per_hour(load: float, share: float) -> float:
    """A bound on openings an hour by the rate rule: at each failure, P(half of at least 20 calls in 10 s failed)."""
    mean, chance = load * 10, 0.0
    for calls in range(20, int(mean + 12 * math.sqrt(mean) + 60)):
        weight = math.exp(-mean + (calls - 1) * math.log(mean) - math.lgamma(calls))
        others = range(max(0, math.ceil(calls / 2) - 1), calls)
        chance += weight * sum(math.comb(calls - 1, k) * share**k * (1 - share) ** (calls - 1 - k) for k in others)
    return load * 3600 * share * chance


def main() -> None:
    figures = {share: _times(share) for share in SHARES}
    for share, rows in figures.items():
        print(f"\nMedian seconds to open (failed calls), {share:.0%} of the calls fail")
        print(f"{'calls/s':28}" + "".join(f"{load:>14}" for load in LOADS))
        for name, row in rows.items():
            print(f"{name:28}" + "".join(f"{_seconds(time)} ({failed})".rjust(14) for time, failed in row))
    print("\nFalse openings an hour with 10 % of failures: streak computed, rate computed (bound), simulated")
    for load, hours in ((0.5, 1000), (2, 250), (8, 50), (50, 6)):
        simulated = false_openings(New, load, 0.1, hours, seed=1) / hours
        without_second = streaks_per_hour(load, 0.1, 0)
        print(
            f"{load:>5} calls/s: {streaks_per_hour(load, 0.1, 1):.2g}, at most {rate_per_hour(load, 0.1):.2g}, "
            f"{simulated:.3g} in {hours} h; without the second {without_second:.2g}, "
            f"simulated {false_openings(Consecutive, load, 0.1, hours, seed=1) / hours:.3g}"
        )
    PICTURE.write_text(draw(figures), encoding="utf-8")
    print(f"\n{PICTURE}")


def _times(share: float) -> dict[str, list[tuple[float, int]]]:
    rows: dict[str, list[tuple[float, int]]] = {}
    for name, (make_rule, _) in RULES.items():
        rows[name] = []
        for load in LOADS:
            results = [time_to_open(make_rule, load, share, seed) for seed in range(ROUNDS)]
            rows[name].append((median(time for time, _ in results), int(median(failed for _, failed in results))))
    return rows


def _seconds(time: float) -> str:
    return "never" if time == math.inf else f"{time:.1f}"


# --- The picture -----------------------------------------------------------------------------------------------------

WIDTH, PANEL, TOP, LEFT, PLOT_HEIGHT = 920, 420, 70, 60, 300


def draw(figures: dict[float, dict[str, list[tuple[float, int]]]]) -> str:
    """Two panels with logarithmic axes: seconds to open (y) against calls a second (x)."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 470" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for index, (share, rows) in enumerate(figures.items()):
        parts += _panel(LEFT + index * (PANEL + 20), f"{share:.0%} of the calls fail", rows)
    for index, (name, (_, color)) in enumerate(RULES.items()):
        x, y = LEFT + (index % 3) * 280, 430 + 22 * (index // 3)
        parts.append(f'<rect x="{x}" y="{y - 8}" width="18" height="4" fill="{color}"/>')
        parts.append(f'<text x="{x + 24}" y="{y}" fill="#1f2328">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _panel(
    left: float, title: str, rows: dict[str, Sequence[tuple[float, int]]] | dict[str, list[tuple[float, int]]]
) -> list[str]:
    width = PANEL - 70

    def x(load: float) -> float:
        return left + width * math.log(load / 0.1) / math.log(500)

    def y(seconds: float) -> float:
        return TOP + PLOT_HEIGHT * (1 - math.log(max(0.1, min(seconds, LONGEST)) / 0.1) / math.log(LONGEST / 0.1))

    parts = [
        f'<text x="{left}" y="30" font-weight="bold" fill="#1f2328">Seconds until the circuit opens: {title}</text>'
    ]
    for seconds in (0.1, 1, 10, 100, 600):
        label = "never" if seconds == LONGEST else f"{seconds:g}"
        parts.append(f'<path d="M{left} {y(seconds):.1f}h{width}" stroke="#d8dbe0"/>')
        parts.append(f'<text x="{left - 6}" y="{y(seconds) + 4:.1f}" text-anchor="end" fill="#57606a">{label}</text>')
    bottom = TOP + PLOT_HEIGHT
    parts += [
        f'<text x="{x(load):.1f}" y="{bottom + 20}" text-anchor="middle" fill="#57606a">{load:g}</text>'
        for load in (0.1, 1, 10, 50)
    ]
    parts.append(
        f'<text x="{left + width / 2}" y="{bottom + 38}" text-anchor="middle" fill="#57606a">calls a second</text>'
    )
    for name, row in rows.items():
        points = " ".join(f"{x(load):.1f},{y(time):.1f}" for load, (time, _) in zip(LOADS, row, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{RULES[name][1]}" stroke-width="2.5"/>')
    return parts


if __name__ == "__main__":
    main()
