"""The id that ties together everything one request makes happen, and the W3C trace that it is part of.

It follows the request's own thread or greenlet. Threads and late generators bind it again: `with bound(current()):`.
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

_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})(?:-.*)?"
)


class CorrelationId(str):
    """The id, carrying the trace that the caller had begun, so that both cross a thread as one value."""

    trace: str = ""
    flags: str = "00"
    is_collected: bool = False  # whether somebody collects that trace's spans (observability.spans)


_current: ContextVar[str] = ContextVar("correlation_id", default="")
_process: str


def _name_process() -> None:
    """Outside any request (start, commands, background threads) lines carry the process's own id."""
    global _process  # noqa: PLW0603 - there is one
    _process = f"proc-{uuid.uuid4()}"


_name_process()
os.register_at_fork(after_in_child=_name_process)


def current() -> str:
    """The id of what is being done now; never empty."""
    return _current.get() or _process


def new() -> str:
    """An id for work that comes with none."""
    return f"req-{uuid.uuid4()}"


def set(value: str) -> None:  # noqa: A001 - reads as correlation.set(…)
    """From here on, in this thread or greenlet."""
    _current.set(value)


@contextmanager
def bound(value: str) -> Iterator[None]:
    """Inside the block only."""
    token = _current.set(value)
    try:
        yield
    finally:
        _current.reset(token)


def received(environ: Mapping[str, object]) -> CorrelationId:
    """The id of the request in this WSGI environ: the caller's own if acceptable, else a new one; with the trace."""
    offered = (environ.get("HTTP_X_CORRELATION_ID"), environ.get("HTTP_X_REQUEST_ID"))
    value = CorrelationId(next((text for text in offered if text and _ACCEPTED.fullmatch(str(text))), None) or new())
    if parent := _TRACEPARENT.fullmatch(str(environ.get("HTTP_TRACEPARENT", ""))):
        value.trace, value.flags = parent["trace"], parent["flags"]
    return value


def traceparent() -> str:
    """The W3C `traceparent` of a call made now: a new span, in the caller's trace or in one derived from our id."""
    here = current()
    trace, flags = (here.trace, here.flags) if isinstance(here, CorrelationId) else ("", "00")
    trace = trace or hashlib.blake2b(here.encode(), digest_size=16).hexdigest()
    return f"00-{trace}-{secrets.token_hex(8)}-{flags}"
