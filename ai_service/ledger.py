"""Records the AI calls: number, headers, and how each ended. Texts are not recorded."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ai_service.connection import ClientDisconnected, ConnectionAborted

Operation = Literal["chat", "analyze"]

MAX_CALLS = 10_000  # recorded in detail; the counters have no limit
HEADERS = ("idempotency-key", "x-retry-count", "x-deadline-ms", "x-correlation-id", "traceparent")
COMPLETE_FAULTS = {"error", "rate_limited", "garbage"}  # the HTTP response is complete, but is no AI answer


@dataclass(slots=True)
class Call:
    """One call. `at` is in unix seconds; `headers` has those of HEADERS that were sent, and whether there was a key."""

    operation: Operation
    path: str
    stream: bool
    headers: dict[str, Any]
    fault: str | None
    at: float = field(default_factory=time.time)
    ended: Literal["open", "complete", "client_left", "fault"] = "open"


class Ledger:
    """The calls since the last reset, and the number of calls in progress."""

    def __init__(self) -> None:
        self.open_calls = 0
        self.reset()

    def reset(self) -> None:
        """Remove all calls. Calls in progress stay counted in `open_calls` until they end."""
        self.counts: Counter[Operation] = Counter()
        self._calls: deque[Call] = deque(maxlen=MAX_CALLS)

    @contextmanager
    def record(self, call: Call) -> Iterator[None]:
        """Record a call. `ended` is derived from the exception that leaves the block, if any."""
        self.counts[call.operation] += 1
        self.open_calls += 1
        self._calls.append(call)
        try:
            yield
            call.ended = "fault" if call.fault in COMPLETE_FAULTS else "complete"
        except (ClientDisconnected, GeneratorExit):  # while waiting, or while writing
            call.ended = "client_left"
            raise
        except ConnectionAborted:
            call.ended = "fault"
            raise
        finally:
            self.open_calls -= 1

    def as_list(self) -> list[dict[str, Any]]:
        """Newest last."""
        return [asdict(call) for call in self._calls]


def headers_of(environ: Mapping[str, Any]) -> dict[str, Any]:
    """The recorded headers of a WSGI request. Of an API key only its presence is recorded."""
    values = {name: environ.get("HTTP_" + name.upper().replace("-", "_")) for name in HEADERS}
    sent: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    return sent | {"authorization-present": "HTTP_AUTHORIZATION" in environ}
