"""What one message costs here and at the peers': CPU of the server as the operating system accounts it, side by side.

Machines are noisy, so the doors take turns in rounds, and medians are compared. In each round a door is visited by one
client alone, whose waiting is compared with that at an nginx that only passes on, by a few, for the CPU, and by 64 at a
time; where it has two processes, by 64 for as many answers as two cores can give.
"""

from __future__ import annotations

import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator

import requests

from benchmarks import contenders, load
from benchmarks.contenders import Door, NotInstalled, cpu_seconds, memory_mb
from benchmarks.fixed_ai import FixedAI
from benchmarks.progress import tell

CLIENTS = 64
FEW = 8  # as busy, and little work left undone at the end, which CPU would be counted for
CROWD_SECONDS = 3
SECONDS = 2
ALONE_SECONDS = 1
QUIET_SECONDS = 10.0

Samples = dict[str, dict[str, list[float]]]


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """The median figures of each door by its key. Peers that can't be installed here are named and left out."""
    with contenders.stage() as ai:
        doors = _open_doors(ai)
        tell("warming up")
        for door in doors:
            _insist_on_ai(door)
            load.run(door.url, clients=FEW, seconds=1, token=contenders.token(), body=door.body)
        samples: Samples = defaultdict(lambda: defaultdict(list))
        for number in range(rounds):
            tell(f"messages, round {number + 1} of {rounds}")
            for door in doors:
                _visit(door, samples[door.key])
        for server in {door.url.partition("/v1/")[0] for door in doors if door.key == "new"}:
            _insist_on_no_fallback(server)
        return {key: {name: statistics.median(seen) for name, seen in each.items()} for key, each in samples.items()}


def visit(door: Door, clients: int, seconds: int) -> tuple[load.Load, float]:
    """What the clients saw, and CPU in ms per request. Raises RuntimeError when anything failed."""
    before = cpu_seconds(door.process)
    seen = load.run(door.url, clients=clients, seconds=seconds, token=contenders.token(), body=door.body)
    if seen.errors or not seen.requests:
        raise RuntimeError(f"{door.name}: {seen.errors} of {seen.requests} requests failed")
    spent = cpu_seconds(door.process) - before
    _await_quiet(door)
    return seen, spent * 1000 / seen.requests


def _await_quiet(door: Door) -> None:
    """What it still does for clients who have gone must not be counted at the next visit."""
    until = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < until:
        before = cpu_seconds(door.process)
        time.sleep(0.1)
        if cpu_seconds(door.process) - before < 0.03:
            return


def _open_doors(ai: FixedAI) -> list[Door]:
    tell("starting chat-bff, nginx, Django")
    doors = [*contenders.ours(ai), *contenders.nginx(ai), *contenders.bare_django(ai), *contenders.ours(ai, workers=2)]
    for name, peer in _peers(ai):
        tell(f"starting {name}")
        try:
            doors += peer()
        except (OSError, TimeoutError, NotInstalled) as error:
            tell(f"{name} does not take part: {error}")
    return doors


def _peers(ai: FixedAI) -> Iterator[tuple[str, Callable[[], list[Door]]]]:
    yield "Express", lambda: contenders.express(ai)
    yield "Express, two processes", lambda: contenders.express(ai, processes=2)
    yield "LiteLLM", lambda: contenders.litellm(ai)


def _visit(door: Door, samples: dict[str, list[float]]) -> None:
    crowd, _ = visit(door, CLIENTS, CROWD_SECONDS)
    if door.processes > 1:
        samples["both_cores_per_second"].append(crowd.per_second)
        return
    alone, _ = visit(door, 1, ALONE_SECONDS)
    _, cpu = visit(door, FEW, SECONDS)
    figures = {"cpu": cpu, "p50": crowd.p50, "p95": crowd.p95, "p99": crowd.p99, "per_second": crowd.per_second}
    figures |= {"alone_p50": alone.p50, "alone_p99": alone.p99, "memory": memory_mb(door.process)}
    for name, value in figures.items():
        samples[name].append(value)


def _insist_on_ai(door: Door) -> None:
    """A door that answers with something in the AI's place is fast, and nothing to compare."""
    headers = {"Authorization": f"Bearer {contenders.token()}", "X-Forwarded-Proto": "https"}
    headers["Content-Type"] = "application/json"
    said = requests.post(door.url, data=door.body.encode(), headers=headers, timeout=60)
    if "L'AEEH se demande" not in said.text:
        raise RuntimeError(f"{door.name} does not give the AI's answer: {said.status_code} {said.text[:200]}")


def _insist_on_no_fallback(server: str) -> None:
    """A degraded answer is a 200, too: the load generator doesn't see it, chat-bff's own metrics do."""
    page = requests.get(f"{server}/metrics", timeout=60).text
    answers = re.findall(r'^bff_answers_total{.*origin="(\w+)".*} (\S+)$', page, re.MULTILINE)
    degraded = sum(float(count) for origin, count in answers if origin not in {"ai", "cache"})
    if degraded:
        raise RuntimeError(f"{degraded:.0f} answers were neither the AI's nor the cache's")
