"""Malicious files: each is rejected with a helpful message within its limits, and leaves no process or file behind."""

from __future__ import annotations

import os
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from django.core.files.uploadedfile import SimpleUploadedFile

from chat.documents import reading, sandbox_client
from chat.documents.errors import DocumentError
from tests.chat.documents import hostile_files
from tests.support import document_files, sandbox_processes
from tests.support.polling import eventually
from tests.support.server import Server

ROOT = Path(__file__).parents[3]
PATH = "/api/chat/analyze-document"
# The sandbox has 10 s; on a busy machine it also waits for CPU before and after.
MAX_SECONDS = 25


@pytest.mark.parametrize("name", hostile_files.FILES)
def test_a_hostile_file_has_an_allowed_outcome_within_its_limits(name: str, settings) -> None:
    make, allowed = hostile_files.FILES[name]
    data = make()
    started_at = time.monotonic()
    with sandbox_processes.PeakMemory() as peak:
        outcome, text = read(data)
    assert outcome in allowed.split(), outcome
    assert time.monotonic() - started_at < MAX_SECONDS
    assert peak.megabytes <= settings.DOCUMENT_MEMORY_MB
    assert "root:" not in text  # of /etc/passwd
    assert outcome == "ok" or re.fullmatch(r"4\d\d: .{30,}", text)
    assert not sandbox_processes.running()


def read(data: bytes) -> tuple[str, str]:
    """The outcome (`ok` or an error code), and the text or error message."""
    try:
        return "ok", reading.read(data, document_files.SENDER).text
    except DocumentError as error:
        return error.code, f"{error.status}: {error.detail}"


def test_every_hostile_file_is_in_the_documentation() -> None:
    documentation = (ROOT / "docs" / "documents.md").read_text("utf-8")
    assert [name for name in hostile_files.FILES if f"| {name} |" not in documentation] == []


# --- The server stays available ---------------------------------------------------------------------------------------

WORST = [
    "a PDF whose text unpacks to a gigabyte",
    "a PDF with a picture of 2.5 gigabytes",
    "a PDF that draws itself",
    "a Word file that lies about its size",
    "a PNG of 2.5 gigabytes",
    "a PDF of 3,000 pages",
]


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch) -> Iterator[Path]:
    """The folder for the temporary files of the server."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    tempfile.tempdir = None
    yield tmp_path
    tempfile.tempdir = None


def post(server: Server, data: bytes) -> requests.Response:
    form = {"documentType": "mdph"}
    return requests.post(server.url + PATH, files={"file": ("a", data)}, data=form, timeout=90)


def test_the_server_stays_available_and_leaves_no_process_or_file(temporary_folder, server) -> None:
    files = [hostile_files.FILES[name][0]() for name in WORST]
    before = set(temporary_folder.iterdir())
    with ThreadPoolExecutor(len(files)) as executor:
        replies = [executor.submit(post, server, data) for data in files]
        slowest, is_answered = 0.0, False
        while not all(reply.done() for reply in replies):
            started_at = time.monotonic()
            assert server.get("/healthz").status_code == 200
            slowest = max(slowest, time.monotonic() - started_at)
            is_answered = is_answered or bool(server.ask("Qu'est-ce que l'AEEH ?").json()["response"])
    assert is_answered
    assert slowest < 5
    for reply in replies:
        response = reply.result()
        assert response.status_code in {413, 422, 503}, response.text
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.json()["errors"][0]["code"]
    assert post(server, document_files.pdf()).json()["extractedData"]["dates"]
    assert not [
        child for child in psutil.Process(server.process.child.pid).children(recursive=True) if is_zombie(child)
    ]
    assert not sandbox_processes.running(server.process.child.pid)
    assert set(temporary_folder.iterdir()) == before


def test_hostile_texts_take_no_time_of_the_worker(server) -> None:
    with ThreadPoolExecutor(len(hostile_files.TEXTS)) as executor:
        replies = [executor.submit(post, server, text.encode()) for text in hostile_files.TEXTS.values()]
        slowest = 0.0
        while not all(reply.done() for reply in replies):
            started_at = time.monotonic()
            assert server.get("/healthz").status_code == 200
            slowest = max(slowest, time.monotonic() - started_at)
    assert {reply.result().status_code for reply in replies} <= {200, 422, 503}
    assert slowest < 2.5  # seconds; on a quiet machine below 0.1


def test_one_visitors_hostile_files_do_not_keep_another_visitor_waiting(server) -> None:
    attacker = requests.Session()
    attacker.get(server.url)  # for the visitor's cookie
    attacker.headers["X-CSRFToken"] = attacker.get(server.url + "/api/chat/csrf").json()["csrfToken"]
    data = hostile_files.FILES["a PDF that draws itself"][0]()

    def send_hostile_file() -> int:
        return attacker.post(server.url + PATH, files={"file": ("a", data)}, timeout=90).status_code

    with ThreadPoolExecutor(21) as executor:
        replies = [executor.submit(send_hostile_file) for _ in range(21)]
        sandbox_processes.wait_for_one(server.process.child.pid)
        started_at = time.monotonic()
        reply = post(server, document_files.pdf())
        assert time.monotonic() - started_at < MAX_SECONDS  # 1 to 2 s on a quiet machine
        assert reply.status_code == 200
        assert reply.json()["extractedData"]["dates"]
        assert {reply.result() for reply in replies} <= {422, 503}


def is_zombie(process: psutil.Process) -> bool:
    return bool(process.status() == psutil.STATUS_ZOMBIE)


# --- Sandboxes that are killed, suspended or too many -----------------------------------------------------------------


@pytest.fixture
def endless_ocr(tmp_path, own_fork_server, monkeypatch, settings) -> None:
    """Replaces tesseract by a program that never ends."""
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    settings.DOCUMENT_TIMEOUT_SECONDS = 60.0


@pytest.fixture
def send(visitor, endless_ocr) -> Iterator[Any]:
    """Sends a scan in another thread; returns a future with the reply."""
    scan = document_files.saved(document_files.picture(document_files.NOTE, dots_per_inch=80), "PNG")
    with ThreadPoolExecutor(4) as executor:

        def post_scan() -> Any:
            form = {"file": SimpleUploadedFile("a", scan), "documentType": "mdph"}
            return visitor.post(PATH, form, headers={"Accept-Language": "en"})

        yield partial(executor.submit, post_scan)
        for process in sandbox_processes.running():
            process.kill()


def test_a_killed_sandbox_is_reported_as_interrupted(send) -> None:
    reply = send()
    sandbox = sandbox_processes.wait_for_one()
    eventually(sandbox.children)
    [tesseract] = sandbox.children()
    sandbox.kill()
    response = reply.result(timeout=20)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (503, "interrupted")
    assert response["Retry-After"]
    assert "not your fault" in response.json()["detail"]
    eventually(lambda: not tesseract.is_running() or is_zombie(tesseract))


def test_a_document_that_takes_too_long_is_aborted(send, settings) -> None:
    settings.DOCUMENT_TIMEOUT_SECONDS = 0.2
    response = send().result(timeout=20)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (422, "too_slow")
    eventually(lambda: not sandbox_processes.running())


def test_a_suspended_sandbox_is_killed_at_its_deadline(send, settings) -> None:
    settings.DOCUMENT_TIMEOUT_SECONDS = 3.0
    reply = send()
    sandbox = sandbox_processes.wait_for_one()
    sandbox.suspend()
    response = reply.result(timeout=20)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (422, "too_slow")
    eventually(lambda: not sandbox.is_running())


def test_a_second_document_of_the_same_person_waits_and_then_is_busy(visitor, send, monkeypatch) -> None:
    visitor.post_json(PATH, {"document": "Bonjour"})  # for the visitor's cookie
    monkeypatch.setattr(sandbox_client, "PLACE_TIMEOUT_SECONDS", 0.1)
    send()
    sandbox = sandbox_processes.wait_for_one()
    response = send().result(timeout=20)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (503, "busy")
    assert response["Retry-After"] == "10"
    sandbox.kill()


# --- Output of the sandbox --------------------------------------------------------------------------------------------


READING = """
FACTS = {'dates': [], 'amounts': [], 'references': [], 'sender': None}
EXTRACT = {'text': 'Lettre 😀', 'facts': FACTS, 'errors': []}
READING = {'extract': EXTRACT, 'pages': 1, 'unread': []}
"""


@pytest.mark.parametrize(
    "program",
    [
        "print('[' * 100_000)",
        "print('[]')",
        "print('\"text\"')",
        "print(json.dumps(READING | {'more': 1}))",
        "print(json.dumps(READING | {'extract': EXTRACT | {'text': 1}}))",
        "print(json.dumps(READING | {'extract': EXTRACT | {'text': 'a' * 200_001}}))",
        "print(json.dumps(READING | {'extract': EXTRACT | {'text': '\\ud800'}}))",
        "print(json.dumps(READING | {'extract': EXTRACT | {'errors': ['<script>']}}))",
        "print(json.dumps(READING | {'extract': EXTRACT | {'facts': FACTS | {'dates': [1]}}}))",
        "print(json.dumps(READING | {'pages': 100}))",
        "print(json.dumps(READING | {'unread': [{'part': 'page', 'page': 2, 'reason': 'too_slow'}]}))",
        "print(json.dumps(READING | {'unread': [{'part': 'page', 'page': 1, 'reason': 'busy'}]}))",
        """print('{"error": "made_up"}')""",
        """print('{"error": "too_large"}')""",
        """print('{"error": ["damaged"]}')""",
        "os.kill(os.getpid(), 40)",
        "sys.exit(3)",
        "while True: os.write(1, b'x' * 65536)",
    ],
)
def test_invalid_output_of_the_sandbox_is_reported_as_unreadable(fake_sandbox, visitor, program: str) -> None:
    fake_sandbox(program, READING)
    started_at = time.monotonic()
    form = {"file": SimpleUploadedFile("a", document_files.pdf()), "documentType": "mdph"}
    response = visitor.post(PATH, form, headers={"Accept-Language": "en"})
    assert (response.status_code, response.json()["errors"][0]["code"]) == (422, "unreadable")
    assert time.monotonic() - started_at < 8  # endless output is cut off before the deadline


def test_a_valid_reading_is_believed(fake_sandbox) -> None:
    fake_sandbox("print(json.dumps(READING))", READING)
    assert sandbox_client.read("pdf", b"", document_files.SENDER).extract.text == "Lettre 😀"


def test_the_sandbox_has_no_secret_in_its_environment(send) -> None:
    reply = send()
    environment = sandbox_processes.wait_for_one().environ()
    assert set(environment) <= {"PATH", "TESSDATA_PREFIX", "LANG", "PYTHONPATH", "OMP_THREAD_LIMIT", "LC_CTYPE"}
    sandbox_processes.wait_for_one().send_signal(signal.SIGKILL)
    reply.result(timeout=20)
