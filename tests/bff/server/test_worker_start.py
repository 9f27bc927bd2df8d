"""A worker that accepts connections has loaded what its first question needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from tests.support.processes import WebInstance
from tests.support.server import Server

pytestmark = pytest.mark.django_db(transaction=True)


def messages(server: Server) -> list[str]:
    return [line for line in server.lines() if "Knowledge base" in line]


def test_the_knowledge_base_is_loaded_before_the_first_question(ai):
    server = Server()
    try:
        assert any("Knowledge base loaded" in line for line in messages(server))
    finally:
        server.stop()


def test_a_worker_starts_without_a_database(ai):
    server = Server(DATABASE_URL="postgresql://postgres:@127.0.0.1:1/nobody")
    try:
        assert any("using the bundled entries" in line for line in messages(server))
        assert server.ask("Qu'est-ce que la MDPH ?").json()["origin"] == "ai"
    finally:
        server.stop()


def test_an_instance_that_requires_nothing_stays_in_use_without_a_database(ai):
    server = Server(DATABASE_URL="postgresql://postgres:@127.0.0.1:1/nobody", HEALTH_REQUIRED="none")
    try:
        ready = server.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        assert server.ask("Qu'est-ce que la MDPH ?").json()["saved"] is False
    finally:
        server.stop()


def test_the_first_message_loads_next_to_nothing(ai):
    server = Server()
    try:
        [worker] = psutil.Process(server.process.child.pid).children()
        before = worker.memory_full_info().uss
        assert server.ask("Qu'est-ce que la MDPH ?").status_code == 200
        assert worker.memory_full_info().uss - before < 12e6
    finally:
        server.stop()


@pytest.mark.parametrize(("document_mb", "is_warned"), [("1000000", True), ("256", False)])
def test_documents_that_may_need_more_memory_than_there_is_are_told_at_the_start(ai, document_mb, is_warned):
    server = Server(DOCUMENT_MEMORY_MB=document_mb, DOCUMENT_MAX_CONCURRENCY="1")
    try:
        warnings = [json.loads(line) for line in server.lines() if "Memory may not suffice" in line]
        assert bool(warnings) is is_warned
        for warning in warnings:
            assert warning["mostMb"] > warning["memoryMb"] > 0
            assert warning["documentsPerWorker"] == 1
            assert "droppedFields" not in warning
    finally:
        server.stop()


class FreshServer(Server):
    """Reads TMPDIR: a forked one has the folder of the process that forked it."""

    def start(self, env: Mapping[str, str]) -> WebInstance:
        return WebInstance(env, self.log)


def test_workers_share_their_metrics_in_a_folder_of_the_instance(ai, tmp_path: Path):
    server = FreshServer(workers=2, PROMETHEUS_MULTIPROC_DIR="", TMPDIR=str(tmp_path))
    try:
        workers = {child.pid for child in psutil.Process(server.process.child.pid).children()}
        names = [file.stem for file in tmp_path.glob("chat-bff-metrics-*/counter_*.db")]
        assert {int(name.rpartition("_")[2]) for name in names} >= workers
    finally:
        server.stop()
    assert not list(tmp_path.glob("chat-bff-metrics-*"))


def test_a_single_worker_needs_no_folder_for_its_metrics(ai, tmp_path: Path):
    server = FreshServer(PROMETHEUS_MULTIPROC_DIR="", TMPDIR=str(tmp_path))
    try:
        assert "bff_http_requests_total" in server.get("/metrics").text
        assert not list(tmp_path.glob("chat-bff-metrics-*"))
    finally:
        server.stop()
