"""Has a file read in a process of its own, which may be as hostile as its author likes (chat/document_reader)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from time import perf_counter

from django.conf import settings

from chat.document_reader.outcome import Outcome
from chat.documents.errors import DocumentError
from observability import logs, metrics

log = logs.get_logger(__name__)

PATIENCE_SECONDS = 5.0  # how long a document waits for its turn: a reading takes about as long
# How a reading ends that the kernel ended: out of time, or killed by somebody. All else is the file's own fault.
SIGNALS = {signal.SIGALRM: "too_slow", signal.SIGXCPU: "too_slow", signal.SIGKILL: "interrupted"}


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
    """What the reader said, and how it ended: its exit code, or minus a signal. Raises DocumentError when late."""
    with subprocess.Popen(  # noqa: S603 - a fixed command
        [sys.executable, "-B", "-s", "-P", "-m", "chat.document_reader", _options(kind)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        env=_environment(),
    ) as reader:
        try:
            return reader.communicate(data, timeout=settings.DOCUMENT_SECONDS)[0], reader.returncode
        except subprocess.TimeoutExpired:
            raise DocumentError("too_slow") from None
        finally:
            if reader.returncode is None:  # or else the number may be somebody else's by now
                with suppress(ProcessLookupError):
                    os.killpg(reader.pid, signal.SIGKILL)


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
    """Raises DocumentError when the reader could not read, or did not live to say so."""
    try:
        told = json.loads(said) if ended == 0 else {}
    except ValueError:
        told = {}
    if "text" in told:
        return Outcome(**told)
    code = told.get("error") or SIGNALS.get(signal.Signals(-ended), "damaged") if ended <= 0 else "damaged"
    raise DocumentError(code, pages=settings.DOCUMENT_MAX_PAGES)
