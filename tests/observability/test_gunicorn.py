"""Logs and metrics under gunicorn with two gevent workers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.support.polling import eventually
from tests.support.processes import Process
from tests.support.services import HOST, free_port

TIMEOUT_SECONDS = 60.0  # each worker loads the program; a busy machine takes long

CONFIGURATION = """
from gevent import monkey
monkey.patch_all()
from bff import settings
from observability import prometheus_multiproc
from observability.logs.gunicorn_logger import Logger
logger_class = Logger
worker_class = "gevent"
workers = 2
def on_starting(server):
    prometheus_multiproc.clear()
def child_exit(server, worker):
    prometheus_multiproc.mark_process_dead(worker.pid)
"""


class Server(Process):
    def __init__(self, folder: Path) -> None:
        self.url = f"http://{HOST}:{(port := free_port())}"
        self.log = folder / "stdout"
        configuration = folder / "gunicorn.conf.py"
        configuration.write_text(CONFIGURATION)
        self.metrics = folder / "metrics"
        self.metrics.mkdir()
        (self.metrics / "counter_1.db").write_bytes(b"from an earlier run")
        command = ("-m", "gunicorn", "-c", str(configuration), "-b", f"{HOST}:{port}")
        self.file = folder / "logs" / "bff.log"
        env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(self.metrics), "LOG_FILE": str(self.file)}
        application = "tests.observability.site:application()"
        super().__init__(
            sys.executable, *command, application, port=port, env=env, output=self.log, start_timeout=TIMEOUT_SECONDS
        )

    def lines(self, message: str | None = None) -> list[dict[str, Any]]:
        parsed = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in parsed if message in (None, line["message"])]

    def metric(self, name: str, **labels: str) -> float:
        page = requests.get(f"{self.url}/metrics", timeout=TIMEOUT_SECONDS).text
        samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
        return sum(
            sample.value for sample in samples if sample.name == name and labels.items() <= sample.labels.items()
        )


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    started = Server(tmp_path)
    yield started
    started.stop_gracefully()


def test_all_log_lines_are_json_and_metrics_of_both_workers_are_summed(server):
    def send(number: int) -> requests.Response:
        path = ("/hello", "/streamed", "/broken")[number % 3]
        return requests.get(server.url + path, headers={"X-Correlation-ID": f"c-{number}"}, timeout=TIMEOUT_SECONDS)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(120)))

    for number, answer in enumerate(answers):
        assert answer.headers["X-Correlation-ID"] == f"c-{number}"
        if number % 3 == 1:
            assert answer.text == f"c-{number}\nend"
    handled = server.lines("Request handled")
    assert sorted(line["correlationId"] for line in handled) == sorted(f"c-{number}" for number in range(120))
    assert {line["correlationId"] for line in server.lines("Second chunk sent")} == {f"c-{n}" for n in range(1, 120, 3)}
    assert {line["correlationId"] for line in server.lines("Request failed")} == {f"c-{n}" for n in range(2, 120, 3)}
    assert "gunicorn.error" in {line["logger"] for line in server.lines()}
    eventually(lambda: sorted(server.file.read_text().splitlines()) == sorted(server.log.read_text().splitlines()))

    assert server.metric("bff_http_requests_total") == 120
    assert server.metric("bff_streams_active") == 0
    assert server.metric("bff_http_in_flight") == 1


def test_in_flight_requests_of_a_killed_worker_are_no_longer_counted(server):
    streams = [requests.get(f"{server.url}/endless", stream=True, timeout=TIMEOUT_SECONDS) for _ in range(6)]
    iterators = [stream.iter_lines() for stream in streams]  # keep them: a discarded iterator closes its connection
    pids = {int(next(lines)) for lines in iterators}
    assert server.metric("bff_streams_active") == 6
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: server.metric("bff_streams_active") == 0)
    assert server.metric("bff_http_in_flight") == 1


def test_a_stream_ends_when_its_client_disconnects(server):
    with requests.get(f"{server.url}/endless", stream=True, timeout=TIMEOUT_SECONDS) as stream:
        next(stream.iter_lines())
    eventually(lambda: server.metric("bff_streams_active") == 0)
    eventually(lambda: any(line.get("ended") == "client_left" for line in server.lines("Request handled")))


def hello(server: Server) -> str:
    """Retries if the worker that accepted the connection was killed before it read the request."""
    while True:
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"{server.url}/hello", timeout=TIMEOUT_SECONDS).text


def test_counts_of_ended_workers_are_kept_and_their_files_are_merged(server):
    for number in range(1, 7):
        for _ in range(20):
            assert hello(server) == "hello"
        workers = psutil.Process(server.child.pid).children()
        workers[0].kill()
        eventually(partial(_has_no_files, server.metrics, f"*_{workers[0].pid}.db"))
        assert server.metric("bff_http_requests_total", endpoint="/hello") == 20 * number
    # For each of two workers: counters, histograms and two kinds of gauges; and two files of ended workers.
    assert len(list(server.metrics.glob("*.db"))) <= 2 * 4 + 2


def _has_no_files(folder: Path, pattern: str) -> bool:
    return not list(folder.glob(pattern))
