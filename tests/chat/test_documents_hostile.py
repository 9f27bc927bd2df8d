"""Files that want to do harm: each ends in kind words within its bounds, and nothing of it is left."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
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

from chat import documents
from chat.document_reader import confinement
from chat.documents import DocumentError, apart
from tests.chat import hostile, papers, watching
from tests.server import Server
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
PATH = "/api/chat/analyze-document"
# As a busy machine takes it: the reader has 10 s, and may have to wait for a core before and after.
LONGEST_SECONDS = 25


@pytest.mark.parametrize("name", hostile.FILES)
def test_a_hostile_file_ends_within_its_bounds(name: str, settings) -> None:
    make, allowed = hostile.FILES[name]
    data = make()
    began = time.monotonic()
    with watching.Peak() as peak:
        outcome, words = read(data)
    assert outcome in allowed.split(), outcome
    assert time.monotonic() - began < LONGEST_SECONDS
    assert peak.megabytes <= settings.DOCUMENT_MEMORY_MB
    assert "root:" not in words  # of /etc/passwd
    assert outcome == "ok" or re.fullmatch(r"4\d\d: .{30,}", words)
    assert not watching.readers()


def read(data: bytes) -> tuple[str, str]:
    """How it ended, and the words that it ended with."""
    try:
        return "ok", documents.read(data).text
    except DocumentError as error:
        return error.code, f"{error.status}: {error.detail}"


def test_every_hostile_file_has_its_line_in_the_documentation() -> None:
    told = (ROOT / "docs" / "documents.md").read_text("utf-8")
    assert [name for name in hostile.FILES if f"| {name} |" not in told] == []


# --- The server lives on ----------------------------------------------------------------------------------------------

WORST = [
    "a PDF whose text unpacks to a gigabyte",
    "a PDF with a picture of 2.5 gigabytes",
    "a PDF that draws itself",
    "a Word file that lies about its size",
    "a PNG of 2.5 gigabytes",
    "a PDF of 3,000 pages",
]


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch) -> Path:
    """Where the server keeps its temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    tempfile.tempdir = None
    yield tmp_path
    tempfile.tempdir = None


def post(server: Server, data: bytes) -> requests.Response:
    form = {"documentType": "mdph"}
    return requests.post(server.url + PATH, files={"file": ("a", data)}, data=form, timeout=90)


def test_the_server_answers_others_meanwhile_and_nothing_is_left(own_folder, server) -> None:
    files = [hostile.FILES[name][0]() for name in WORST]
    before = set(own_folder.iterdir())
    with ThreadPoolExecutor(len(files)) as senders:
        replies = [senders.submit(post, server, data) for data in files]
        slowest, is_answered = 0.0, False
        while not all(reply.done() for reply in replies):
            began = time.monotonic()
            assert server.get("/healthz").status_code == 200
            slowest = max(slowest, time.monotonic() - began)
            is_answered = is_answered or bool(server.ask("Qu'est-ce que l'AEEH ?").json()["response"])
    assert is_answered
    assert slowest < 5
    for reply in replies:
        told = reply.result()
        assert told.status_code in {413, 422, 503}, told.text
        assert told.headers["Content-Type"] == "application/problem+json"
        assert told.json()["errors"][0]["code"]
    assert post(server, papers.pdf()).json()["extractedData"]["dates"]
    assert not [child for child in psutil.Process(server.process.child.pid).children(recursive=True) if is_dead(child)]
    assert not watching.readers(server.process.child.pid)
    assert set(own_folder.iterdir()) == before


def is_dead(process: psutil.Process) -> bool:
    return bool(process.status() == psutil.STATUS_ZOMBIE)


# --- Readers that are killed, stopped, or too many --------------------------------------------------------------------


@pytest.fixture
def endless_ocr(tmp_path, monkeypatch, settings) -> None:
    """Scans are read by a program that never ends."""
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    settings.DOCUMENT_SECONDS = 60.0


@pytest.fixture
def send(visitor, endless_ocr) -> Iterator[Any]:
    """Sends a scan in a thread of its own; the reply is a future."""
    scan = papers.saved(papers.picture(papers.NOTE, dots_per_inch=80), "PNG")
    with ThreadPoolExecutor(4) as senders:

        def reply() -> Any:
            form = {"file": SimpleUploadedFile("a", scan), "documentType": "mdph"}
            return visitor.post(PATH, form, headers={"Accept-Language": "en"})

        yield partial(senders.submit, reply)
        for reader in watching.readers():
            reader.kill()


def test_a_reader_that_is_killed_is_nobodys_fault(send) -> None:
    reply = send()
    reader = watching.a_reader()
    eventually(reader.children)
    [helper] = reader.children()
    reader.kill()
    told = reply.result(timeout=20)
    assert (told.status_code, told.json()["errors"][0]["code"]) == (503, "interrupted")
    assert told["Retry-After"]
    assert "not your fault" in told.json()["detail"]
    eventually(lambda: not helper.is_running() or is_dead(helper))


def test_a_reading_that_takes_too_long_is_ended(send, settings) -> None:
    settings.DOCUMENT_SECONDS = 2.0
    told = send().result(timeout=20)
    assert (told.status_code, told.json()["errors"][0]["code"]) == (422, "too_slow")
    eventually(lambda: not watching.readers())


def test_a_reader_that_does_not_stop_by_itself_is_killed(send, settings) -> None:
    settings.DOCUMENT_SECONDS = 3.0
    reply = send()
    reader = watching.a_reader()
    reader.suspend()
    told = reply.result(timeout=20)
    assert (told.status_code, told.json()["errors"][0]["code"]) == (422, "too_slow")
    eventually(lambda: not reader.is_running())


def test_no_more_documents_are_read_at_once_than_there_are_places(send, settings, monkeypatch) -> None:
    settings.DOCUMENT_MAX_CONCURRENCY = 1
    monkeypatch.setattr(apart, "PATIENCE_SECONDS", 0.1)
    apart._places.cache_clear()
    send()
    reader = watching.a_reader()
    told = send().result(timeout=20)
    assert (told.status_code, told.json()["errors"][0]["code"]) == (503, "busy")
    assert told["Retry-After"] == "10"
    reader.kill()
    apart._places.cache_clear()


# --- What a reader may not do -----------------------------------------------------------------------------------------

CONFINED = """
import ctypes, errno, json, os, signal, socket, subprocess, sys
from chat.document_reader.confinement import confine
from chat.document_reader.limits import Limits
OPEN = "import socket; socket.socket()"
confine(Limits(seconds=5, memory_bytes=300 * 1024 * 1024, pages=1))
def attempt(act):
    try:
        act()
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]
    except BaseException as error:
        return type(error).__name__
def call(number):
    if ctypes.CDLL(None, use_errno=True).syscall(number, 0, 0, 0, 0, 0, 0) == -1:
        raise OSError(ctypes.get_errno(), "refused")
print(json.dumps({
    "network": attempt(socket.socket),
    "unix": attempt(lambda: socket.socket(socket.AF_UNIX)),
    "child's network": subprocess.run([sys.executable, "-c", OPEN], stderr=subprocess.DEVNULL).returncode,
    "file": attempt(lambda: open(sys.argv[1], "wb", buffering=0).write(b"x")),
    "memory": attempt(lambda: bytearray(400 * 1024 * 1024)),
    "worker's death": attempt(lambda: os.kill(os.getppid(), 0)),
    "own session": attempt(os.setsid),
    "a number of x32": attempt(lambda: call(0x40000000 | 39)),
    "arithmetic": attempt(lambda: 1 + 1),
}))
"""  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_a_reader_has_no_network_no_hold_on_others_writes_no_file_and_little_memory(tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CONFINED, str(tmp_path / "x")], capture_output=True, cwd=ROOT, check=True, text=True
    )
    told = json.loads(done.stdout)
    assert told.pop("file") in {"EFBIG", "EACCES"}  # as far as the kernel lets it come
    assert told == {
        "network": "EACCES",
        "unix": "EACCES",
        "child's network": 1,
        "memory": "MemoryError",
        "worker's death": "EACCES",
        "own session": "EACCES",
        "a number of x32": "EACCES",
        "arithmetic": "done",
    }
    assert not any(path.stat().st_size for path in tmp_path.iterdir())


CURIOUS = """
import os, sys
from chat.document_reader.confinement import confine
from chat.document_reader.limits import Limits
confine(Limits(seconds=5, memory_bytes=300 * 1024 * 1024, pages=1))
for name, mode in (("environ", "rb"), ("mem", "r+b")):
    try:
        open(f"/proc/{os.getppid()}/{name}", mode, buffering=0).close()
        print(name)
    except PermissionError:
        pass
"""


def has_landlock() -> bool:
    """Asked of the kernel: its list of modules is not to be seen in every container."""
    give_version = (confinement.LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(1))
    return sys.platform == "linux" and bool(ctypes.CDLL(None).syscall(*give_version) > 0)


@pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock")
def test_a_reader_cannot_look_into_its_worker() -> None:
    done = subprocess.run([sys.executable, "-c", CURIOUS], capture_output=True, cwd=ROOT, check=True, text=True)
    assert done.stdout == ""


# --- What a reader may say --------------------------------------------------------------------------------------------


@pytest.fixture
def saying(tmp_path, monkeypatch):
    """In place of the reader, a program that somebody else has written."""

    def say(program: str) -> None:
        path = tmp_path / "python"
        path.write_text(f"#!{sys.executable}\nimport json, os, sys\n{program}\n")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    return say


@pytest.mark.parametrize(
    "program",
    [
        "print('[' * 100_000)",
        "print('[]')",
        "print('\"text\"')",
        """print('{"text": "a", "pages": 1, "pages_read": 1, "more": 1}')""",
        """print('{"text": 1, "pages": 1, "pages_read": 1}')""",
        """print('{"text": "a", "pages": 1, "pages_read": 100}')""",
        """print('{"error": "made_up"}')""",
        """print('{"error": "too_large"}')""",
        """print('{"error": ["damaged"]}')""",
        "os.kill(os.getpid(), 40)",
        "sys.exit(3)",
        "while True: os.write(1, b'x' * 65536)",
    ],
)
def test_a_reader_that_was_taken_over_has_its_file_called_damaged(saying, visitor, program: str) -> None:
    saying(program)
    began = time.monotonic()
    form = {"file": SimpleUploadedFile("a", papers.pdf()), "documentType": "mdph"}
    told = visitor.post(PATH, form, headers={"Accept-Language": "en"})
    assert (told.status_code, told.json()["errors"][0]["code"]) == (422, "damaged")
    assert time.monotonic() - began < 8  # what has no end is not listened to until the time is up


def test_half_a_character_is_read_as_a_question_mark(saying) -> None:
    saying("""print('{"text": "Lettre \\\\ud800 \\\\ud83d\\\\ude00", "pages": 1, "pages_read": 1}')""")
    assert apart.read("pdf", b"").text == "Lettre ? 😀"


def test_a_reader_knows_no_secret(send) -> None:
    reply = send()
    known = watching.a_reader().environ()
    assert set(known) <= {"PATH", "TESSDATA_PREFIX", "LANG", "PYTHONPATH", "OMP_THREAD_LIMIT", "LC_CTYPE"}
    watching.a_reader().send_signal(signal.SIGKILL)
    reply.result(timeout=20)
