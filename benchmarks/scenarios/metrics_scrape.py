"""Latency of `/metrics` under load: two workers, 200 requests a second, a scrape each half second."""

from __future__ import annotations

import statistics
import threading
import time
from itertools import product

import requests

from tests.support.server import Server

RATE = 200
CLIENTS = 8
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
        _report("without load", server, _scrapes(server))
        stop = threading.Event()
        clients = [threading.Thread(target=_send_questions, args=(server, stop)) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        began, before = time.perf_counter(), _handled_requests(server)
        scrapes = _scrapes(server)
        rate = (_handled_requests(server) - before) / (time.perf_counter() - began)
        stop.set()
        for client in clients:
            client.join()
        _report(f"{rate:.0f} requests a second", server, scrapes)
    finally:
        server.stop()


def _fill(server: Server) -> None:
    """Create as many series as months of use: each route with each method, in both workers."""
    for _, route, method in product(range(4), ROUTES, METHODS):
        requests.request(method, f"{server.url}/api/chat/{route}", headers={"X-Forwarded-Proto": "https"}, timeout=60)
    server.ask("Comment demander l'AEEH ?", headers={"X-Forwarded-Proto": "https"})


def _send_questions(server: Server, stop: threading.Event) -> None:
    """Send a cached question at a constant rate until `stop` is set."""
    with requests.Session() as session:
        session.headers["X-Forwarded-Proto"] = "https"
        due = time.perf_counter()
        while not stop.is_set():
            session.post(f"{server.url}/api/chat/message", json={"message": "Comment demander l'AEEH ?"}, timeout=60)
            session.cookies.clear()
            due += CLIENTS / RATE
            time.sleep(max(0.0, due - time.perf_counter()))


def _scrapes(server: Server) -> list[float]:
    """The duration of each scrape in milliseconds."""
    durations = []
    with requests.Session() as session:
        for _ in range(SCRAPES):
            began = time.perf_counter()
            assert session.get(f"{server.url}/metrics", timeout=60).ok
            durations.append((time.perf_counter() - began) * 1000)
            time.sleep(0.5)
    return durations


def _handled_requests(server: Server) -> float:
    page = server.get("/metrics").text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in page if line.startswith("bff_http_requests_total"))


def _report(when: str, server: Server, durations: list[float]) -> None:
    series = sum(not line.startswith("#") for line in server.get("/metrics").text.splitlines())
    quantiles = statistics.quantiles(durations, n=20)
    print(
        f"/metrics, {series} series, {when}: "
        f"median {statistics.median(durations):.0f} ms, P95 {quantiles[18]:.0f} ms, most {max(durations):.0f} ms"
    )
