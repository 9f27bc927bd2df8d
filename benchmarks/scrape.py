"""What `/metrics` takes while people are served: two workers, 200 requests a second, a scrape each half second."""

from __future__ import annotations

import statistics
import threading
import time
from itertools import product

import requests

from tests.server import Server

RATE = 200
PEOPLE = 8
SCRAPES = 24
ROUTES = (
    "message",
    "stream",
    "history",
    "conversations",
    "reset",
    "feedback",
    "analyze-document",
    "x/stream",
    "x/stop",
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")


def measure() -> None:
    server = Server(workers=2, DEBUG="0", LOG_LEVEL="info")
    try:
        _fill(server)
        _report("nobody else is there", server, _scrapes(server))
        over = threading.Event()
        people = [threading.Thread(target=_ask, args=(server, over)) for _ in range(PEOPLE)]
        for person in people:
            person.start()
        began, before = time.perf_counter(), _handled(server)
        scrapes = _scrapes(server)
        rate = (_handled(server) - before) / (time.perf_counter() - began)
        over.set()
        for person in people:
            person.join()
        _report(f"{rate:.0f} requests a second", server, scrapes)
    finally:
        server.stop()


def _fill(server: Server) -> None:
    """Have as many series as months of use leave: each route called in each way, by both workers."""
    for _, route, method in product(range(4), ROUTES, METHODS):
        requests.request(method, f"{server.url}/api/chat/{route}", headers={"X-Forwarded-Proto": "https"}, timeout=60)
    server.ask("Comment demander l'AEEH ?", headers={"X-Forwarded-Proto": "https"})


def _ask(server: Server, over: threading.Event) -> None:
    """Somebody who asks what is in the cache, at a steady pace."""
    with requests.Session() as session:
        session.headers["X-Forwarded-Proto"] = "https"
        due = time.perf_counter()
        while not over.is_set():
            session.post(f"{server.url}/api/chat/message", json={"message": "Comment demander l'AEEH ?"}, timeout=60)
            session.cookies.clear()
            due += PEOPLE / RATE
            time.sleep(max(0.0, due - time.perf_counter()))


def _scrapes(server: Server) -> list[float]:
    """Milliseconds each."""
    took = []
    with requests.Session() as session:
        for _ in range(SCRAPES):
            began = time.perf_counter()
            assert session.get(f"{server.url}/metrics", timeout=60).ok
            took.append((time.perf_counter() - began) * 1000)
            time.sleep(0.5)
    return took


def _handled(server: Server) -> float:
    page = server.get("/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in page if line.startswith("bff_http_requests_total"))


def _report(when: str, server: Server, took: list[float]) -> None:
    series = sum(not line.startswith("#") for line in server.get("/metrics").text.splitlines())
    quantiles = statistics.quantiles(took, n=20)
    print(
        f"/metrics, {series} series, {when}: "
        f"median {statistics.median(took):.0f} ms, P95 {quantiles[18]:.0f} ms, most {max(took):.0f} ms"
    )
