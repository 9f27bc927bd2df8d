"""The correlation id of the current request, and the W3C trace that the request belongs to.

The id is a context variable: each thread or greenlet has its own. Code that continues a request in another thread, or
in a generator that runs later, binds it again: `with bound(current()):`.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from observability import masking
from observability.secret_shapes import SECRET

_VALID_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Forms that cannot be an identifier of a person.
_PLAIN_ID = re.compile(r"(?:[a-z]+-)?[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|[A-Za-z._-]*\d{0,8}")
_OWN_ID = re.compile(r"req-([0-9a-f]{8})-[0-9a-f-]{27}")
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})(?:-.*)?"
)


class CorrelationId(str):
    """The id together with the caller's trace, so that both are passed between threads as one value."""

    trace: str = ""
    flags: str = "00"
    is_exported: bool = False  # whether this process exports spans of that trace (observability.tracing.otel)


_current: ContextVar[str] = ContextVar("correlation_id", default="")
_process_id: str


def _new_process_id() -> None:
    """Set the id of log lines outside any request: startup, commands, background threads."""
    global _process_id  # noqa: PLW0603 - one per process
    _process_id = f"proc-{uuid.uuid4()}"


_new_process_id()
os.register_at_fork(after_in_child=_new_process_id)


def current() -> str:
    """The id of the current request, else that of the process; never empty."""
    return _current.get() or _process_id


def new() -> str:
    """A new id, for a request that brings none."""
    return f"req-{uuid.uuid4()}"


def short(correlation_id: str) -> str:
    """The part of an id that people are shown, short enough to dictate. Logs contain it, as a part of the whole id.

    An id that a client chose is shown whole.
    """
    own = _OWN_ID.fullmatch(correlation_id)
    return own[1] if own else correlation_id


def set(value: str) -> None:  # noqa: A001 - reads as correlation.set(…)
    """Set the id of this thread or greenlet."""
    _current.set(value)


@contextmanager
def bound(value: str) -> Iterator[None]:
    """Set the id inside the block and restore the previous one after it."""
    token = _current.set(value)
    try:
        yield
    finally:
        _current.reset(token)


def from_environ(environ: Mapping[str, object]) -> CorrelationId:
    """The id and trace of the request in this WSGI environ: the caller's id if it is acceptable, else a new one."""
    candidates = (environ.get("HTTP_X_CORRELATION_ID"), environ.get("HTTP_X_REQUEST_ID"))
    value = CorrelationId(next((text for text in candidates if text and _is_acceptable(str(text))), None) or new())
    if parent := _TRACEPARENT.fullmatch(str(environ.get("HTTP_TRACEPARENT", ""))):
        value.trace, value.flags = parent["trace"], parent["flags"]
    return value


def _is_acceptable(text: str) -> bool:
    """Whether the text is an id, and nothing that the logs would hide: it is in every line and every message's row."""
    if not _VALID_ID.fullmatch(text) or SECRET.search(text):
        return False
    return bool(_PLAIN_ID.fullmatch(text)) or masking.mask(text) == text


def traceparent() -> str:
    """The W3C `traceparent` header of an outgoing call: a new span id in the caller's trace.

    Without such a trace, the trace id is derived from the correlation id.
    """
    correlation_id = current()
    trace, flags = (
        (correlation_id.trace, correlation_id.flags) if isinstance(correlation_id, CorrelationId) else ("", "00")
    )
    trace = trace or hashlib.blake2b(correlation_id.encode(), digest_size=16).hexdigest()
    return f"00-{trace}-{secrets.token_hex(8)}-{flags}"
