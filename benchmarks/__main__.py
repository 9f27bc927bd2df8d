"""`make bench`: what one request costs, in CPU time of the server as the operating system accounts it.

Machines are noisy, so the kinds of requests take turns in rounds and their medians are compared. CPU time of the whole
server per request is the steadiest figure; wall-clock times are printed beside it for orientation.
"""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psutil
import requests

from tests import services  # starts Redis, PostgreSQL and the stand-in, before Django is set up

ROUNDS = 5
REQUESTS = 200  # of each kind in each round
CLIENTS = 8


@dataclass(slots=True)
class Kind:
    """One kind of request, and what each round of it cost in milliseconds a request."""

    name: str
    send: Callable[[requests.Session], requests.Response]
    cpu: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p95: list[float] = field(default_factory=list)


def main() -> None:
    url, server = start()
    numbers = itertools.count()

    def ask(session: requests.Session, text: str, path: str = "message") -> requests.Response:
        return session.post(f"{url}/api/chat/{path}", json={"message": text}, cookies={}, timeout=60)

    kinds = [
        Kind("health (the floor)", lambda session: session.get(f"{url}/healthz", timeout=60)),
        Kind("answer from the cache", lambda session: ask(session, "Comment demander l'AEEH ?")),
        Kind("answer from the AI", lambda session: ask(session, f"Comment demander l'AEEH, fois {next(numbers)} ?")),
        Kind(
            "the same, streamed",
            lambda session: ask(session, f"Comment demander l'AEEH, flux {next(numbers)} ?", "stream"),
        ),
    ]
    for _ in range(ROUNDS):
        for kind in kinds:
            measure(kind, server)
    report(kinds)


def start() -> tuple[str, psutil.Process]:
    import django  # noqa: PLC0415 after the services have set its environment

    os.environ["DJANGO_SETTINGS_MODULE"] = "bff.settings"
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 likewise

    from tests.server import Server  # noqa: PLC0415 likewise

    call_command("migrate", verbosity=0)
    call_command("load_knowledge", verbosity=0)
    server = Server(workers=1, DEBUG="0", LOG_LEVEL="info")
    return server.url, psutil.Process(server.process.child.pid)


def measure(kind: Kind, server: psutil.Process) -> None:
    """One round: the requests of CLIENTS clients, each on its own connection."""
    before = cpu_seconds(server)
    with ThreadPoolExecutor(CLIENTS) as clients:
        times = list(itertools.chain.from_iterable(clients.map(lambda _: visit(kind), range(CLIENTS))))
    kind.cpu.append((cpu_seconds(server) - before) * 1000 / len(times))
    quantiles = statistics.quantiles(times, n=20)
    kind.p50.append(quantiles[9])
    kind.p95.append(quantiles[18])


def visit(kind: Kind) -> list[float]:
    """Milliseconds that each of one client's requests took."""
    times = []
    with requests.Session() as session:
        session.headers["X-Forwarded-Proto"] = "https"  # as production sees it: no redirect, secure cookies
        for _ in range(REQUESTS // CLIENTS):
            began = time.perf_counter()
            assert kind.send(session).status_code == 200
            session.cookies.clear()
            times.append((time.perf_counter() - began) * 1000)
    return times


def cpu_seconds(process: psutil.Process) -> float:
    """User and system time of a process and its living children."""
    family = [process, *process.children(recursive=True)]
    return sum(sum(member.cpu_times()[:2]) for member in family)


def report(kinds: list[Kind]) -> None:
    floor = statistics.median(kinds[0].cpu)
    print(f"\n{ROUNDS} rounds of {REQUESTS} requests by {CLIENTS} clients, one worker, {psutil.cpu_count()} cores\n")
    print("| request | CPU ms | × floor | p50 ms | p95 ms |\n| --- | ---: | ---: | ---: | ---: |")
    for kind in kinds:
        cpu, p50, p95 = (statistics.median(values) for values in (kind.cpu, kind.p50, kind.p95))
        print(f"| {kind.name} | {cpu:.2f} | {cpu / floor:.1f} | {p50:.1f} | {p95:.1f} |")


if __name__ == "__main__":
    assert services.FOLDER.exists()
    main()
