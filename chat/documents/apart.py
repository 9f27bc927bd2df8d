"""Has a file read in a process of its own, which may be as hostile as its author likes (chat/document_reader)."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from time import monotonic, perf_counter
from typing import Any

from django.conf import settings

from chat.document_reader.limits import CHARACTERS
from chat.document_reader.outcome import Outcome
from chat.documents.errors import REASONS, DocumentError
from observability import logs, metrics

log = logs.get_logger(__name__)

PATIENCE_SECONDS = 5.0  # how long a document waits for its turn: a reading takes about as long
# How a reading ends that the kernel ended: out of time, or killed by somebody. All else is the file's own fault.
SIGNALS: dict[int, str] = {signal.SIGALRM: "too_slow", signal.SIGXCPU: "too_slow", signal.SIGKILL: "interrupted"}
# What only this side of the pipe can know.
NOT_THE_READERS = frozenset({"too_large", "busy", "interrupted"})
LONGEST_SAYING = 12 * CHARACTERS + 1000  # bytes: JSON writes 😀 as \ud83d\ude00
CHUNK = 65536


def read(kind: str, data: bytes) -> Outcome:
    """The text of a `pdf`, a `word` file or a `picture`. Raises DocumentError."""
    began = perf_counter()
    code = "ok"
    try:
        with _place():
            return _outcome(*_said(kind, data))
    except DocumentError as error:
        code = error.code
        raise
    finally:
        took = perf_counter() - began
        metrics.DOCUMENTS.labels(kind, code).inc()
        metrics.DOCUMENT_DURATION.labels(kind).observe(took)
        log.info("Document read", kind=kind, outcome=code, bytes=len(data), duration=round(took * 1000))


@contextmanager
def _place() -> Iterator[None]:
    """One of the readings that this worker does at a time; waited for a while."""
    if not _places().acquire(timeout=PATIENCE_SECONDS):
        raise DocumentError("busy")
    try:
        yield
    finally:
        _places().release()


@cache
def _places() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(settings.DOCUMENT_MAX_CONCURRENCY)


def _said(kind: str, data: bytes) -> tuple[bytes, int]:
    """What the reader said, and how it ended: its exit code, or minus a signal. Raises DocumentError."""
    with subprocess.Popen(  # noqa: S603 - a fixed command
        [sys.executable, "-B", "-s", "-P", "-m", "chat.document_reader", _options(kind)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        env=_environment(),
    ) as reader:
        deadline = monotonic() + settings.DOCUMENT_SECONDS
        try:
            said = _exchange(reader, data, deadline)
            return said, reader.wait(max(0.0, deadline - monotonic()))
        except subprocess.TimeoutExpired:
            raise DocumentError("too_slow") from None
        finally:
            if reader.returncode is None:  # or else the number may be somebody else's by now
                with suppress(ProcessLookupError):
                    os.killpg(reader.pid, signal.SIGKILL)


def _exchange(reader: subprocess.Popen[bytes], data: bytes, deadline: float) -> bytes:
    """Hand the document over and take what is said, which may be without end. Raises DocumentError, TimeoutExpired."""
    assert reader.stdin
    assert reader.stdout
    said, left = bytearray(), memoryview(data)
    with selectors.DefaultSelector() as pipes:
        for pipe, event in ((reader.stdin, selectors.EVENT_WRITE), (reader.stdout, selectors.EVENT_READ)):
            os.set_blocking(pipe.fileno(), False)
            pipes.register(pipe, event)
        while True:
            ready = [key.fileobj for key, _ in pipes.select(max(0.0, deadline - monotonic()))]
            if not ready and monotonic() >= deadline:
                raise subprocess.TimeoutExpired(reader.args, settings.DOCUMENT_SECONDS)
            if reader.stdin in ready:
                left = left[_written(reader.stdin.fileno(), left) :]
                if not left:
                    pipes.unregister(reader.stdin)
                    reader.stdin.close()
            if reader.stdout in ready:
                chunk = os.read(reader.stdout.fileno(), CHUNK)
                said += chunk
                if not chunk:
                    return bytes(said)
                if len(said) > LONGEST_SAYING:
                    raise DocumentError("damaged")


def _written(pipe: int, left: memoryview) -> int:
    """How many bytes the pipe took; all of them when nobody reads them any more."""
    try:
        return os.write(pipe, left[:CHUNK])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(left)


def _options(kind: str) -> str:
    return json.dumps(
        {
            "kind": kind,
            "seconds": settings.DOCUMENT_SECONDS,
            "memory_bytes": settings.DOCUMENT_MEMORY_MB * 1024 * 1024,
            "pages": settings.DOCUMENT_MAX_PAGES,
        }
    )


def _environment() -> dict[str, str]:
    """No secret of ours: it is a stranger's file that will be opened there."""
    kept = {name: os.environ[name] for name in ("PATH", "TESSDATA_PREFIX") if name in os.environ}
    # One letter must not take all cores, and a thread's stack counts as memory.
    return kept | {"LANG": "C.UTF-8", "PYTHONPATH": str(settings.BASE_DIR), "OMP_THREAD_LIMIT": "1"}


def _outcome(said: bytes, ended: int) -> Outcome:
    """Believes nothing: what spoke may be the file's author. Raises DocumentError when nothing was read."""
    match _told(said) if ended == 0 else None:
        case {"text": str(text), "pages": int(pages), "pages_read": int(read), **rest} if not rest:
            if 0 <= read <= pages <= settings.DOCUMENT_MAX_PAGES and len(text) <= CHARACTERS:
                # Half a character can't be sent on.
                return Outcome(text.encode("utf-8", "replace").decode(), pages, read)
        case {"error": str(code)} if code in REASONS.keys() - NOT_THE_READERS:
            raise DocumentError(code, pages=settings.DOCUMENT_MAX_PAGES)
    raise DocumentError(SIGNALS.get(-ended, "damaged"), pages=settings.DOCUMENT_MAX_PAGES)


def _told(said: bytes) -> Any:
    try:
        return json.loads(said)
    except (ValueError, RecursionError):
        return None
