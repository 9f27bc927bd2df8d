"""The product from end to end, as it runs in production: two workers, and an AI that goes away and comes back."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
import requests
from django.core.management import call_command
from django.test import Client

from ai_service.control import StandIn
from tests.server import Server
from tests.services import HOST, Process, ai_service, free_port
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

METRICS = {
    "bff_http_requests_total",
    "bff_http_request_duration_seconds_bucket",
    "bff_http_in_flight",
    "bff_streams_active",
    "bff_ai_request_duration_seconds_bucket",
    "bff_ai_time_to_first_chunk_seconds_bucket",
    "bff_ai_retries_total",
    "bff_ai_tokens_total",
    "bff_answers_total",
    "bff_cache_requests_total",
    "bff_single_flight_followers_total",
    "bff_breaker_state",
    "bff_breaker_transitions_total",
    "bff_breaker_rejections_total",
    "bff_unsaved_messages_total",
}


@pytest.fixture
def ai_process() -> Iterator[Process]:
    """A stand-in of this test's own, which it may stop and start again."""
    process = ai_service(free_port())
    yield process
    process.stop()


@pytest.fixture
def road(ai_process: Process, transactional_db: None) -> Iterator[Server]:
    address = f"http://{HOST}:{ai_process.port}"
    server = Server(workers=2, AI_SERVICE_URL=address, BREAKER_OPEN_SECONDS="2", LOG_LEVEL="info")
    yield server
    server.stop()


def test_the_whole_road(road, ai_process, settings, admin_user, capsys):
    settings.AI_SERVICE_URL = f"http://{HOST}:{ai_process.port}"

    # Up: answered by the AI from the right source, then from the cache however it is typed.
    first = road.ask("Comment demander l'AEEH pour mon enfant ?")
    assert first.json()["origin"] == "ai"
    assert any("AEEH" in source["title"] for source in first.json()["sources"])
    again = road.ask("  comment DEMANDER l’aeeh pour mon enfant")
    assert (again.json()["origin"], again.headers["X-Cache"]) == ("cache", "HIT")

    # Down: still 200, and useful.
    ai_process.kill()
    degraded = road.ask("C'est quoi un PPS et comment en avoir un ?")
    assert degraded.status_code == 200
    assert degraded.json()["origin"] == "knowledge"
    assert degraded.json()["degraded"]["reason"] == "ai_error"
    assert degraded.headers["X-Degraded"] == "ai_error"
    assert road.ask("Xyzzy plugh ?").json()["origin"] == "fallback"

    # The breaker opens, and everyone can see it.
    eventually(lambda: road.ask("Xyzzy ?").json()["degraded"]["reason"] == "circuit_open", seconds=30, every=0.2)
    assert road.get("/readyz").status_code == 200
    assert 'bff_breaker_state{breaker="chat"} 2.0' in road.get("/metrics").text
    call_command("breaker", "list", "--json")
    states = {row["name"]: row["state"] for row in json.loads(capsys.readouterr().out)}
    assert states["chat"] in {"open", "half_open"}
    desk = Client()
    desk.force_login(admin_user)
    assert "chat" in desk.get("/admin/chat/circuitbreaker/").content.decode()

    # Back: closed again by itself.
    ai_process.start()
    eventually(lambda: road.ask(f"Question {time.monotonic()} ?").json()["origin"] == "ai", seconds=20, every=0.2)
    eventually(lambda: is_closed_for(road), seconds=20, every=0.2)
    shown_to_the_letter(road)


def test_one_message_is_at_most_three_attempts_with_growing_waits_and_one_key(road, ai_process):
    ai = StandIn(f"http://{HOST}:{ai_process.port}")
    ai.fail("error", status=503)
    road.ask("Comment demander la PCH ?")
    calls = ai.requests
    waits = [later["at"] - earlier["at"] for earlier, later in pairwise(calls)]
    assert len(calls) == 3
    assert 0.5 <= waits[0] <= 1.5
    assert 1.0 <= waits[1] <= 2.5
    assert len({call["headers"]["idempotency-key"] for call in calls}) == 1
    assert [call["headers"]["x-retry-count"] for call in calls] == ["0", "1", "2"]
    assert len({call["headers"]["x-correlation-id"] for call in calls}) == 1


def is_closed_for(road: Server) -> bool:
    road.ask(f"Question {time.monotonic()} ?")  # a breaker learns by what is asked
    found = road.get("/readyz").json()["dependencies"]["aiService"]
    return bool(found["breakers"]["chat"] == "closed" and found["status"] == "healthy")


def shown_to_the_letter(road: Server) -> None:
    """Health, logs and metrics, word for word as clients and dashboards know them."""
    healthz = road.get("/healthz").json()
    assert set(healthz) == {"status", "timestamp", "uptime"}
    readyz = road.get("/readyz").json()
    assert set(readyz) == {"status", "timestamp", "uptime", "dependencies"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", readyz["timestamp"])
    assert set(readyz["dependencies"]) == {"supabase", "aiService", "cache"}
    assert all({"status", "latency"} <= set(found) for found in readyz["dependencies"].values())
    assert "hitRate" in readyz["dependencies"]["cache"]
    scrape = road.get("/metrics").text
    assert set(re.findall(r"^\w+", scrape, re.MULTILINE)) >= METRICS
    reply = road.ask("Bonjour", headers={"X-Correlation-ID": "my-own-id.1"})
    assert reply.headers["X-Correlation-ID"] == "my-own-id.1"
    line = next(json.loads(line) for line in road.lines() if '"my-own-id.1"' in line and "Request handled" in line)
    assert list(line)[:4] == ["timestamp", "level", "message", "correlationId"]
    assert line["level"] == "info"
    assert line["endpoint"] == "/api/chat/message"
    assert line["userId"].startswith("visitor-")
    assert isinstance(line["duration"], int)
    assert all(json.loads(line) for line in road.lines())


def test_a_stream_works_behind_real_workers(road):
    with requests.post(
        f"{road.url}/api/chat/stream", json={"message": "Qu'est-ce qu'un SESSAD ?"}, stream=True
    ) as reply:
        frames = [line for line in reply.iter_lines() if line]
    assert frames[-1] == b"data: [DONE]"
    assert reply.headers["X-Accel-Buffering"] == "no"
