"""The performance targets, and whether the stored figures meet them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.reports.figures import Figures

FAILED_STREAMS = "failed streams, 2,000 × 10 tokens/s"


@dataclass(frozen=True, slots=True)
class Target:
    """`limit` is the largest allowed value of `measure`, or the smallest if `at_least`.

    `measure` raises KeyError or StopIteration if the figure was not measured.
    """

    name: str
    limit: float
    unit: str
    measure: Callable[[Figures], float]
    at_least: bool = False

    def is_met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


def evaluate(figures: Figures) -> Iterator[tuple[Target, float | None]]:
    """Each target with its measured value; None if a part or peer was not measured."""
    for target in TARGETS:
        try:
            yield target, target.measure(figures)
        except (KeyError, StopIteration):
            yield target, None


def endpoint_figure(figures: Figures, key: str, name: str) -> float:
    """One figure of one endpoint. Raises KeyError if it was not measured."""
    return float(figures["messages"]["figures"][key][name])


def stream_figure(figures: Figures, streams: int, rate: float, name: str) -> float:
    """One figure of one stream load. Raises KeyError or StopIteration if it was not measured."""
    loads = figures["streams"]["figures"]
    return float(next(load[name] for load in loads if (load["streams"], load["rate"]) == (streams, rate)))


def _ratio(key: str, reference: str, name: str = "cpu") -> Callable[[Figures], float]:
    return lambda figures: endpoint_figure(figures, key, name) / endpoint_figure(figures, reference, name)


def _beyond_nginx(key: str, name: str) -> Callable[[Figures], float]:
    return lambda figures: endpoint_figure(figures, key, name) - endpoint_figure(figures, "nginx", name)


def _of_endpoint(key: str, name: str) -> Callable[[Figures], float]:
    return lambda figures: endpoint_figure(figures, key, name)


def _of_stream(streams: int, rate: float, name: str) -> Callable[[Figures], float]:
    return lambda figures: stream_figure(figures, streams, rate, name)


TARGETS = (
    Target("CPU, from the AI, no history, against Express", 0.6, "×", _ratio("new", "express")),
    Target("CPU, from the AI, no history, against LiteLLM", 0.12, "×", _ratio("new", "litellm")),
    Target("CPU, from the AI, history saved, against Express", 1.0, "×", _ratio("new-saved", "express")),
    Target(
        "answers/s on two cores, against Express", 1.5, "×", _ratio("new", "express", "both_cores_per_second"), True
    ),
    Target("CPU, from the cache against from the AI", 0.25, "×", _ratio("cached", "new")),
    Target("answers/s on two cores, from the cache", 2000, "/s", _of_endpoint("cached", "both_cores_per_second"), True),
    Target("latency added for one client, p50", 3, "ms", _beyond_nginx("new", "alone_p50")),
    Target("latency added for one client, p99", 8, "ms", _beyond_nginx("new", "alone_p99")),
    Target("token lag p99, 1,000 × 10 tokens/s", 50, "ms", _of_stream(1000, 10, "lag_p99")),
    Target("added to the first token p99, 1,000 × 10 tokens/s", 250, "ms", _of_stream(1000, 10, "first_p99")),
    Target("memory a stream, 1,000 streams", 60, "KB", _of_stream(1000, 10, "stream_memory")),
    Target(FAILED_STREAMS, 0, "", _of_stream(2000, 10, "failed")),
    Target("token lag p99, 2,000 × 10 tokens/s", 75, "ms", _of_stream(2000, 10, "lag_p99")),
    Target("workers' CPU a token, 2,000 × 10 tokens/s", 60, "µs", _of_stream(2000, 10, "token_cpu")),
    Target("token lag p99, 25,000 tokens/s", 250, "ms", _of_stream(1000, 25, "lag_p99")),
    Target("memory of two workers, idle", 220, "MB", _of_stream(2000, 10, "idle_memory")),
    Target("memory of two workers, 2,000 streams", 400, "MB", _of_stream(2000, 10, "memory")),
)
