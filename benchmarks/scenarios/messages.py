"""CPU and latency of one message at chat-bff and its peers.

Machines are noisy, so the endpoints are measured in turn, in rounds, and medians are compared. A round measures each
endpoint with one client (latency beyond that of a bare nginx proxy), with 8 clients (CPU) and with 64 clients (latency
under load); endpoints with two processes with 64 clients only (throughput of two cores).
"""

from __future__ import annotations

import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator

import requests

from benchmarks.harness import wrk
from benchmarks.harness.fixed_ai import FixedAI
from benchmarks.harness.progress import print_progress
from benchmarks.systems import endpoints
from benchmarks.systems.endpoints import Endpoint, PeerUnavailable, cpu_seconds, memory_mb

CLIENTS = 64
CPU_CLIENTS = 8  # saturates the server; little unfinished work at the end distorts its CPU
LOADED_SECONDS = 3
SECONDS = 2
ALONE_SECONDS = 1
IDLE_TIMEOUT_SECONDS = 10.0

Samples = dict[str, dict[str, list[float]]]


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """The median figures of each endpoint by its key. Peers that can't be installed are reported and skipped."""
    with endpoints.fixed_ai() as ai:
        measured = _start_systems(ai)
        print_progress("warming up")
        for endpoint in measured:
            _require_ai_answer(endpoint)
            wrk.run(endpoint.url, clients=CPU_CLIENTS, seconds=1, headers=endpoint.headers(), body=endpoint.body)
        samples: Samples = defaultdict(lambda: defaultdict(list))
        for number in range(rounds):
            print_progress(f"messages, round {number + 1} of {rounds}")
            for endpoint in measured:
                _sample(endpoint, samples[endpoint.key])
        for server in {endpoint.url.partition("/v1/")[0] for endpoint in measured if endpoint.key == "new"}:
            _require_no_fallback(server)
        return {
            key: {name: statistics.median(values) for name, values in each.items()} for key, each in samples.items()
        }


def run_load(endpoint: Endpoint, clients: int, seconds: int) -> tuple[wrk.WrkResult, float]:
    """wrk's result, and CPU ms per request. Raises RuntimeError if a request failed."""
    before = cpu_seconds(endpoint.process)
    result = wrk.run(endpoint.url, clients=clients, seconds=seconds, headers=endpoint.headers(), body=endpoint.body)
    if result.errors or not result.requests:
        raise RuntimeError(f"{endpoint.name}: {result.errors} of {result.requests} requests failed")
    spent = cpu_seconds(endpoint.process) - before
    _wait_until_idle(endpoint)
    return result, spent * 1000 / result.requests


def _wait_until_idle(endpoint: Endpoint) -> None:
    """Requests of disconnected clients may still use CPU, which must not count for the next run."""
    deadline = time.monotonic() + IDLE_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        before = cpu_seconds(endpoint.process)
        time.sleep(0.1)
        if cpu_seconds(endpoint.process) - before < 0.03:
            return


def _start_systems(ai: FixedAI) -> list[Endpoint]:
    print_progress("starting chat-bff, nginx, Django")
    started = [*endpoints.chat_bff(ai), *endpoints.nginx(ai)]
    started += [*endpoints.bare_django(ai), *endpoints.chat_bff(ai, workers=2)]
    for name, start in _peers(ai):
        print_progress(f"starting {name}")
        try:
            started += start()
        except (OSError, TimeoutError, PeerUnavailable) as error:
            print_progress(f"{name} is skipped: {error}")
    return started


def _peers(ai: FixedAI) -> Iterator[tuple[str, Callable[[], list[Endpoint]]]]:
    yield "Express", lambda: endpoints.express(ai)
    yield "Express, two processes", lambda: endpoints.express(ai, processes=2)
    yield "Portkey", lambda: endpoints.portkey(ai)
    yield "LiteLLM", lambda: endpoints.litellm(ai)


def _sample(endpoint: Endpoint, samples: dict[str, list[float]]) -> None:
    loaded, _ = run_load(endpoint, CLIENTS, LOADED_SECONDS)
    if endpoint.processes > 1:
        samples["both_cores_per_second"].append(loaded.per_second)
        return
    alone, _ = run_load(endpoint, 1, ALONE_SECONDS)
    _, cpu = run_load(endpoint, CPU_CLIENTS, SECONDS)
    figures = {"cpu": cpu, "p50": loaded.p50, "p95": loaded.p95, "p99": loaded.p99, "per_second": loaded.per_second}
    figures |= {"alone_p50": alone.p50, "alone_p99": alone.p99, "memory": memory_mb(endpoint.process)}
    for name, value in figures.items():
        samples[name].append(value)


def _require_ai_answer(endpoint: Endpoint) -> None:
    """A fallback answer would be fast, and its figures wrong."""
    response = requests.post(endpoint.url, data=endpoint.body.encode(), headers=endpoint.headers(), timeout=60)
    if "L'AEEH se demande" not in response.text:
        raise RuntimeError(
            f"{endpoint.name} does not return the AI's answer: {response.status_code} {response.text[:200]}"
        )


def _require_no_fallback(server: str) -> None:
    """wrk counts a degraded answer as a success, because its status is 200; chat-bff's metrics show its origin."""
    page = requests.get(f"{server}/metrics", timeout=60).text
    answers = re.findall(r'^bff_answers_total{.*origin="(\w+)".*} (\S+)$', page, re.MULTILINE)
    degraded = sum(float(count) for origin, count in answers if origin not in {"ai", "cache"})
    if degraded:
        raise RuntimeError(f"{degraded:.0f} answers were neither the AI's nor the cache's")
