"""A shard of a cluster dies under 200 messages a second, two thirds of them answered before: which of them fail or are
not served from the cache, and when a circuit that an operator has opened is open again for all workers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import redis
import requests

from benchmarks.harness.progress import print_progress
from benchmarks.systems import endpoints
from chat.upstream import breaker_registry
from chat.upstream.breaker.redis import RedisStore
from tests.support.processes import HOST
from tests.support.redis_cluster import RedisCluster

RATE, CLIENTS = 200, 50  # messages a second; connections
SECONDS, DEATH_AFTER = 20.0, 8.0
CHECK_SECONDS = 0.1  # interval of the letters that tell the breaker's state
KNOWN = [f"Qu'est-ce que {what} ?" for what in ("l'AEEH", "la PCH", "la MDPH", "une AESH", "le PPS", "la CDAPH")]
NEW_EVERY = 3  # each third message is new
LETTER = {"document": "Votre droit est ouvert.", "documentType": "mdph", "fileName": "a.txt"}

_of_thread = threading.local()


class Reply(NamedTuple):
    """The end is in seconds after the death of the shard. A degraded answer is a failure."""

    ended_at: float
    seconds: float
    is_known: bool
    has_failed: bool
    is_cached: bool


def measure() -> None:
    """Print the figures."""
    cluster = RedisCluster(node_timeout_ms=1000)  # what docs/deploy recommends
    try:
        with endpoints.fixed_ai() as ai:
            url = endpoints.start_chat_bff(2, **endpoints.production_settings(ai), REDIS_URL=cluster.url).url
            for question in KNOWN:
                _post(f"{url}/api/chat/message", {"message": question})
            breaker = _document_breaker(cluster)
            breaker.force("open", who="benchmark", reason="benchmark", seconds=None)
            time.sleep(1)  # the replicas have all of it
            victim = cluster.master_of(breaker.key)
            print_progress(f"{RATE} messages a second, a shard dies after {DEATH_AFTER:g} of {SECONDS:g} s")
            _print(*_load(url, victim.kill))
    finally:
        cluster.stop()


def _document_breaker(cluster: RedisCluster) -> RedisStore:
    """The one of documents, beside that of messages, which is in Redis since the first one."""
    nodes = [redis.cluster.ClusterNode(HOST, node.port) for node in cluster.nodes]  # type: ignore[no-untyped-call]
    client: Any = redis.RedisCluster(startup_nodes=nodes)
    [key] = cluster.keys("bff:breaker:chat:*")
    policy = breaker_registry.get("analyze").policy
    return RedisStore("analyze", policy, lambda: client, target=key.rpartition(":")[2])


def _load(url: str, kill: Callable[[], object]) -> tuple[list[Reply], list[tuple[float, bool]]]:
    """The replies, and whether the circuit of documents was open, by seconds after the death."""
    began = time.monotonic()
    died = began + DEATH_AFTER
    states: list[tuple[float, bool]] = []

    def send(number: int) -> Reply:
        is_known = number % NEW_EVERY != 0
        text = KNOWN[number % len(KNOWN)] if is_known else f"Et pour la fois {number} ?"
        sent_at = time.monotonic()
        reply = _post(f"{url}/api/chat/message", {"message": text})
        ended_at = time.monotonic()
        has_failed = reply.status_code != requests.codes.ok or reply.json()["degraded"] is not None
        return Reply(ended_at - died, ended_at - sent_at, is_known, has_failed, reply.headers.get("X-Cache") == "HIT")

    def check() -> None:
        while time.monotonic() < began + SECONDS:
            reply = _post(f"{url}/api/chat/analyze-document", LETTER)
            states.append((time.monotonic() - died, reply.headers.get("X-Degraded") == "circuit_open"))
            time.sleep(CHECK_SECONDS)

    with ThreadPoolExecutor(CLIENTS) as clients, ThreadPoolExecutor(2) as others:
        checks = others.submit(check)
        death = others.submit(lambda: (time.sleep(DEATH_AFTER), kill()))
        sent = []
        for number in range(int(SECONDS * RATE)):
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
            sent.append(clients.submit(send, number))
        checks.result()
        death.result()
        return [each.result() for each in sent], states


def _post(url: str, body: dict[str, str]) -> requests.Response:
    if not hasattr(_of_thread, "session"):
        _of_thread.session = requests.Session()
        _of_thread.session.headers["Authorization"] = f"Bearer {endpoints.access_token()}"
        _of_thread.session.headers["X-Forwarded-Proto"] = "https"
    reply: requests.Response = _of_thread.session.post(url, json=body, timeout=60)
    return reply


def _print(replies: list[Reply], states: list[tuple[float, bool]]) -> None:
    rate = len(replies) / (max(reply.ended_at for reply in replies) + DEATH_AFTER)
    known = [reply for reply in replies if reply.is_known]
    uncached = [reply for reply in known if not reply.is_cached]
    waits = sorted(reply.seconds for reply in replies if reply.ended_at > 0)
    wrong = [at for at, is_open in states if not is_open and at > 0]
    last_uncached, last_wrong = max([reply.ended_at for reply in uncached], default=0), max(wrong, default=0)
    rows = {
        "messages a second": f"{rate:.0f}",
        "failed or degraded": f"{sum(reply.has_failed for reply in replies)} of {len(replies):,}",
        "known, not served from the cache": f"{len(uncached)} of {len(known):,} ({len(uncached) / len(known):.2%})",
        "seconds after the death until the last of these": f"{last_uncached:.1f}",
        "longest answer after the death, seconds": f"{waits[-1]:.2f} (p99 {waits[int(len(waits) * 0.99)]:.2f})",
        "letters that the open circuit did not refuse": f"{len(wrong)} of {len(states)}",
        "seconds after the death until the last of these letters": f"{last_wrong:.1f}",
    }
    print(
        "\n".join(["| a shard dies |  |", "| --- | ---: |", *(f"| {name} | {value} |" for name, value in rows.items())])
    )
