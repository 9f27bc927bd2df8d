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


def _both_cores(key: str, reference: str) -> Callable[[Figures], float]:
    return _ratio(key, reference, "both_cores_per_second")


def _beyond_nginx(key: str, name: str) -> Callable[[Figures], float]:
    return lambda figures: endpoint_figure(figures, key, name) - endpoint_figure(figures, "nginx", name)


def _of_stream(streams: int, rate: float, name: str) -> Callable[[Figures], float]:
    return lambda figures: stream_figure(figures, streams, rate, name)


def _of_store(key: str, name: str) -> Callable[[Figures], float]:
    return lambda figures: float(figures["stores"]["figures"][key][name])


TARGETS = (
    Target("CPU, from the AI, no history, against Express", 1.1, "×", _ratio("new", "express")),
    Target("CPU, from the AI, no history, against LiteLLM", 0.14, "×", _ratio("new", "litellm")),
    Target("CPU, history saved, against Express without history", 1.6, "×", _ratio("new-saved", "express")),
    Target("CPU, from the cache, against Express from its cache", 0.8, "×", _ratio("cached", "express-cached")),
    Target("answers/s on two cores, from the AI, against Express", 1.0, "×", _both_cores("new", "express"), True),
    Target("answers/s on two cores, cached, against Express", 1.2, "×", _both_cores("cached", "express-cached"), True),
    Target("latency added for one client, p50", 2.5, "ms", _beyond_nginx("new", "alone_p50")),
    Target("latency added for one client, p99", 6, "ms", _beyond_nginx("new", "alone_p99")),
    Target("token lag p99, 1,000 × 10 tokens/s", 30, "ms", _of_stream(1000, 10, "lag_p99")),
    Target(FAILED_STREAMS, 0, "", _of_stream(2000, 10, "failed")),
    Target("token lag p99, 2,000 × 10 tokens/s", 150, "ms", _of_stream(2000, 10, "lag_p99")),
    Target("added to the first token p99, 2,000 × 10 tokens/s", 300, "ms", _of_stream(2000, 10, "first_p99")),
    Target("workers' CPU a token, 2,000 × 10 tokens/s", 35, "µs", _of_stream(2000, 10, "token_cpu")),
    Target("memory a stream, 2,000 streams", 40, "KB", _of_stream(2000, 10, "stream_memory")),
    Target("Redis commands a message from the AI", 14, "", _of_store("new", "redis_commands")),
    Target("Redis trips a message from the AI", 4, "", _of_store("new", "redis_trips")),
)
