"""Reads a document in a sandbox process and validates its output."""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
from contextlib import suppress
from functools import cache
from time import monotonic, perf_counter
from typing import Any

from django.conf import settings
from pydantic import TypeAdapter, ValidationError

from chat.documents import sandboxes
from chat.documents.errors import REASONS, DocumentError
from chat.documents.reader_places import PLACE_TIMEOUT_SECONDS, NoPlace, ReaderPlaces, Sender
from chat.documents.sandbox.outcome import MAX_UNREAD, Reading
from chat.documents.sandboxes import Sandbox
from chat.documents.text import MAX_CHARACTERS
from observability import logs, metrics

log = logs.get_logger(__name__)

# Error codes by the signal that ended the sandbox; `unreadable` for any other.
SIGNAL_CODES: dict[int, str] = {
    signal.SIGALRM: "too_slow",
    signal.SIGXCPU: "too_slow",
    signal.SIGKILL: "interrupted",
}
# Codes that only this process may set; in the output of a sandbox they are invalid.
CLIENT_ONLY_CODES = frozenset({"too_large", "busy", "interrupted"})
# JSON needs up to 12 bytes for a character: 😀 is \ud83d\ude00. The facts are short.
MAX_OUTPUT_BYTES = 12 * MAX_CHARACTERS + 100_000
CHUNK_BYTES = 65536
READING = TypeAdapter(Reading)
ERROR = re.compile(r"[\w ]{1,80}")


def read(kind: str, data: bytes, sender: Sender) -> Reading:
    """Read a document of this kind. Raises DocumentError."""
    started_at = perf_counter()
    code = "ok"
    try:
        with _places().place(sender, timeout=PLACE_TIMEOUT_SECONDS):
            return _parse_output(*_run(kind, data))
    except NoPlace:
        code = "busy"
        raise DocumentError(code) from None
    except DocumentError as error:
        code = error.code
        raise
    finally:
        seconds = perf_counter() - started_at
        metrics.DOCUMENTS.labels(kind, code).inc()
        metrics.DOCUMENT_DURATION.labels(kind).observe(seconds)
        log.info("Document read", kind=kind, outcome=code, bytes=len(data), duration=round(seconds * 1000))


@cache
def _places() -> ReaderPlaces:
    return ReaderPlaces(settings.DOCUMENT_MAX_CONCURRENCY)


def _run(kind: str, data: bytes) -> tuple[bytes, int]:
    """The output of the sandbox and its exit code (negative: a signal). Raises DocumentError."""
    started_at = monotonic()
    deadline = started_at + settings.DOCUMENT_TIMEOUT_SECONDS
    with sandboxes.fork() as sandbox:
        try:
            output = _communicate(sandbox, _options(kind, started_at) + data, deadline)
            return output, sandbox.exit_code(deadline)
        except TimeoutError:
            raise DocumentError("too_slow") from None


def _communicate(sandbox: Sandbox, data: bytes, deadline: float) -> bytes:
    """Write the document and read the output, at most MAX_OUTPUT_BYTES. Raises DocumentError, TimeoutError."""
    output, remaining = bytearray(), memoryview(data)
    with selectors.DefaultSelector() as selector:
        for pipe, event in ((sandbox.document, selectors.EVENT_WRITE), (sandbox.output, selectors.EVENT_READ)):
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, event)
        while True:
            ready = [key.fileobj for key, _ in selector.select(max(0.0, deadline - monotonic()))]
            if not ready and monotonic() >= deadline:
                raise TimeoutError
            if sandbox.document in ready:
                remaining = remaining[_write(sandbox.document.fileno(), remaining) :]
                if not remaining:
                    selector.unregister(sandbox.document)
                    sandbox.document.close()
            if sandbox.output in ready:
                chunk = os.read(sandbox.output.fileno(), CHUNK_BYTES)
                output += chunk
                if not chunk:
                    return bytes(output)
                if len(output) > MAX_OUTPUT_BYTES:
                    raise DocumentError("unreadable")


def _write(pipe: int, data: memoryview) -> int:
    """Write without blocking; the number of bytes written. A closed pipe counts as all written."""
    try:
        return os.write(pipe, data[:CHUNK_BYTES])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(data)


def _options(kind: str, started_at: float) -> bytes:
    """The first line of a sandbox's input."""
    options = {
        "kind": kind,
        "seconds": settings.DOCUMENT_TIMEOUT_SECONDS,
        "memory_bytes": settings.DOCUMENT_MEMORY_MB * 1024 * 1024,
        "pages": settings.DOCUMENT_MAX_PAGES,
        "started_at": started_at,
    }
    return json.dumps(options).encode() + b"\n"


def _parse_output(output: bytes, exit_code: int) -> Reading:
    """Validate the output, which a malicious file may have written. Raises DocumentError unless it is a `Reading`."""
    match _parse_json(output) if exit_code == 0 else None:
        case {"error": str(code)} if code in REASONS.keys() - CLIENT_ONLY_CODES:
            raise DocumentError(code, pages=settings.DOCUMENT_MAX_PAGES)
        case dict(fields):
            with suppress(ValidationError):
                reading = READING.validate_json(output)  # refuses lone surrogates
                if _is_plausible(reading) and READING.dump_python(reading, mode="json") == fields:
                    return reading
    raise DocumentError(SIGNAL_CODES.get(-exit_code, "unreadable"), pages=settings.DOCUMENT_MAX_PAGES)


def _is_plausible(reading: Reading) -> bool:
    return (
        1 <= reading.pages <= settings.DOCUMENT_MAX_PAGES
        and len(reading.unread) <= MAX_UNREAD
        and all(each.page is None or 1 <= each.page <= reading.pages for each in reading.unread)
        and all(each.reason in REASONS.keys() - CLIENT_ONLY_CODES for each in reading.unread)
        and len(reading.extract.text) <= MAX_CHARACTERS
        and all(ERROR.fullmatch(error) for error in reading.extract.errors)
    )


def _parse_json(output: bytes) -> Any:
    """The parsed output; None when it is not JSON."""
    try:
        return json.loads(output)
    except (ValueError, RecursionError):
        return None
