"""End to end with production settings: two workers, and an AI service that fails and recovers."""

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
from tests.support.polling import eventually
from tests.support.server import Server
from tests.support.services import HOST, Process, free_port, start_ai_service

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
    """A stand-in AI service of this test's own, which it may stop and restart."""
    process = start_ai_service(free_port())
    yield process
    process.stop()


@pytest.fixture
def server(ai_process: Process, transactional_db: None) -> Iterator[Server]:
    address = f"http://{HOST}:{ai_process.port}"
    server = Server(workers=2, AI_SERVICE_URL=address, BREAKER_OPEN_SECONDS="2", LOG_LEVEL="info")
    yield server
    server.stop()


def test_an_outage_of_the_ai_from_the_first_answer_to_the_recovery(server, ai_process, settings, admin_user, capsys):
    settings.AI_SERVICE_URL = f"http://{HOST}:{ai_process.port}"

    # The AI is available: it answers with the right source; the same question typed differently hits the cache.
    first = server.ask("Comment demander l'AEEH pour mon enfant ?")
    assert first.json()["origin"] == "ai"
    assert any("AEEH" in source["title"] for source in first.json()["sources"])
    again = server.ask("  comment DEMANDER l’aeeh pour mon enfant")
    assert (again.json()["origin"], again.headers["X-Cache"]) == ("cache", "HIT")

    # The AI is unavailable: a fallback with status 200.
    ai_process.kill()
    degraded = server.ask("C'est quoi un PPS et comment en avoir un ?")
    assert degraded.status_code == 200
    assert degraded.json()["origin"] == "knowledge"
    assert degraded.json()["degraded"]["reason"] == "ai_error"
    assert degraded.headers["X-Degraded"] == "ai_error"
    assert server.ask("Xyzzy plugh ?").json()["origin"] == "fallback"

    # The breaker opens: visible in readiness, metrics, the command and the admin.
    eventually(lambda: server.ask("Xyzzy ?").json()["degraded"]["reason"] == "circuit_open", seconds=30, every=0.2)
    assert server.get("/readyz").status_code == 200
    assert 'bff_breaker_state{breaker="chat"} 2.0' in server.get("/metrics").text
    call_command("breaker", "list", "--json")
    states = {row["name"]: row["state"] for row in json.loads(capsys.readouterr().out)}
    assert states["chat"] in {"open", "half_open"}
    admin = Client()
    admin.force_login(admin_user)
    assert "chat" in admin.get("/admin/chat/circuitbreaker/").content.decode()

    # The AI recovers: the breaker closes by itself.
    ai_process.start()
    eventually(lambda: server.ask(f"Question {time.monotonic()} ?").json()["origin"] == "ai", seconds=20, every=0.2)
    eventually(lambda: is_closed_for(server), seconds=20, every=0.2)
    check_contracts(server)


def test_a_message_takes_at_most_three_attempts_with_growing_waits_and_one_idempotency_key(server, ai_process):
    ai = StandIn(f"http://{HOST}:{ai_process.port}")
    ai.fail("error", status=503)
    server.ask("Comment demander la PCH ?")
    calls = ai.requests
    waits = [later["at"] - earlier["at"] for earlier, later in pairwise(calls)]
    assert len(calls) == 3
    assert 0.5 <= waits[0] <= 1.5
    assert 1.0 <= waits[1] <= 2.5
    assert len({call["headers"]["idempotency-key"] for call in calls}) == 1
    assert [call["headers"]["x-retry-count"] for call in calls] == ["0", "1", "2"]
    assert len({call["headers"]["x-correlation-id"] for call in calls}) == 1


def is_closed_for(server: Server) -> bool:
    server.ask(f"Question {time.monotonic()} ?")  # a breaker changes its state only with calls
    found = server.get("/readyz").json()["dependencies"]["aiService"]
    return bool(found["breakers"]["chat"] == "closed" and found["status"] == "healthy")


def check_contracts(server: Server) -> None:
    """Health documents, log lines and metrics have the names that clients and dashboards rely on."""
    healthz = server.get("/healthz").json()
    assert set(healthz) == {"status", "timestamp", "uptime"}
    readyz = server.get("/readyz").json()
    assert set(readyz) == {"status", "timestamp", "uptime", "version", "dependencies"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", readyz["timestamp"])
    assert set(readyz["dependencies"]) == {"supabase", "aiService", "cache"}
    assert all({"status", "latency"} <= set(found) for found in readyz["dependencies"].values())
    assert "hitRate" in readyz["dependencies"]["cache"]
    scrape = server.get("/metrics").text
    assert set(re.findall(r"^\w+", scrape, re.MULTILINE)) >= METRICS
    reply = server.ask("Bonjour", headers={"X-Correlation-ID": "my-own-id.1"})
    assert reply.headers["X-Correlation-ID"] == "my-own-id.1"
    line = next(json.loads(line) for line in server.lines() if '"my-own-id.1"' in line and "Request handled" in line)
    assert list(line)[:4] == ["timestamp", "level", "message", "correlationId"]
    assert line["level"] == "info"
    assert line["endpoint"] == "/api/chat/message"
    assert line["userId"].startswith("visitor-")
    assert isinstance(line["duration"], int)
    assert all(json.loads(line) for line in server.lines())


def test_a_stream_is_served_by_gunicorn_workers(server):
    with requests.post(
        f"{server.url}/api/chat/stream", json={"message": "Qu'est-ce qu'un SESSAD ?"}, stream=True
    ) as reply:
        frames = [line for line in reply.iter_lines() if line]
    assert frames[-1] == b"data: [DONE]"
    assert reply.headers["X-Accel-Buffering"] == "no"
