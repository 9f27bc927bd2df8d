"""What the project wants of its figures, and whether they are so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.figures import Figures

NO_STREAM_FAILS = "failed streams, 2,000 × 10 tokens/s"


@dataclass(frozen=True, slots=True)
class Target:
    """`wanted` is the most that `measure` may say; the least where `at_least`. It raises KeyError without figures."""

    what: str
    wanted: float
    unit: str
    measure: Callable[[Figures], float]
    at_least: bool = False

    def is_met(self, value: float) -> bool:
        return value >= self.wanted if self.at_least else value <= self.wanted


def checked(figures: Figures) -> Iterator[tuple[Target, float | None]]:
    """Each target with what was measured; None where a part or a peer was not."""
    for target in TARGETS:
        try:
            yield target, target.measure(figures)
        except (KeyError, StopIteration):
            yield target, None


def door(figures: Figures, key: str, name: str) -> float:
    """One figure of one door. Raises KeyError where that did not take part."""
    return float(figures["messages"]["figures"][key][name])


def stream(figures: Figures, streams: int, rate: float, name: str) -> float:
    """One figure of one load of streams. Raises KeyError or StopIteration where that was not measured."""
    loads = figures["streams"]["figures"]
    return float(next(load[name] for load in loads if (load["streams"], load["rate"]) == (streams, rate)))


def _shares(ours: str, theirs: str, name: str = "cpu") -> Callable[[Figures], float]:
    return lambda figures: door(figures, ours, name) / door(figures, theirs, name)


def _added(key: str, name: str) -> Callable[[Figures], float]:
    return lambda figures: door(figures, key, name) - door(figures, "nginx", name)


def _of_door(key: str, name: str) -> Callable[[Figures], float]:
    return lambda figures: door(figures, key, name)


def _of_stream(streams: int, rate: float, name: str) -> Callable[[Figures], float]:
    return lambda figures: stream(figures, streams, rate, name)


TARGETS = (
    Target("CPU, from the AI, no history, against Express", 0.6, "×", _shares("new", "express")),
    Target("CPU, from the AI, no history, against LiteLLM", 0.12, "×", _shares("new", "litellm")),
    Target("CPU, from the AI, history saved, against Express", 1.0, "×", _shares("new-saved", "express")),
    Target(
        "answers/s on two cores, against Express", 1.5, "×", _shares("new", "express", "both_cores_per_second"), True
    ),
    Target("CPU, from the cache against from the AI", 0.25, "×", _shares("kept", "new")),
    Target("answers/s on two cores, from the cache", 2000, "/s", _of_door("kept", "both_cores_per_second"), True),
    Target("added to one person's wait, p50", 3, "ms", _added("new", "alone_p50")),
    Target("added to one person's wait, p99", 8, "ms", _added("new", "alone_p99")),
    Target("token lag p99, 1,000 × 10 tokens/s", 50, "ms", _of_stream(1000, 10, "lag_p99")),
    Target("added to the first token p99, 1,000 × 10 tokens/s", 250, "ms", _of_stream(1000, 10, "first_p99")),
    Target("memory a stream, 1,000 streams", 60, "KB", _of_stream(1000, 10, "stream_memory")),
    Target(NO_STREAM_FAILS, 0, "", _of_stream(2000, 10, "failed")),
    Target("token lag p99, 2,000 × 10 tokens/s", 75, "ms", _of_stream(2000, 10, "lag_p99")),
    Target("workers' CPU a token, 2,000 × 10 tokens/s", 60, "µs", _of_stream(2000, 10, "token_cpu")),
    Target("token lag p99, 25,000 tokens/s", 250, "ms", _of_stream(1000, 25, "lag_p99")),
    Target("memory of two workers, idle", 220, "MB", _of_stream(2000, 10, "idle_memory")),
    Target("memory of two workers, 2,000 streams", 400, "MB", _of_stream(2000, 10, "memory")),
)
