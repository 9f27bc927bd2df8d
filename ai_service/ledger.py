"""What the service has been asked: how often, with which headers, how it ended. Never what was said."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ai_service.connection import Broken, ClientLeft

Operation = Literal["chat", "analyze"]

KEPT = 10_000  # calls remembered one by one; the counters go on
HEADERS = ("idempotency-key", "x-retry-count", "x-deadline-ms", "x-correlation-id", "traceparent")
SPOILING = {"error", "rate_limited", "garbage"}  # the faults after which the HTTP answer is complete, but no answer


@dataclass(slots=True)
class Call:
    """One call. `at` is in unix seconds; `headers` holds those of HEADERS that came, and whether a key was sent."""

    operation: Operation
    path: str
    stream: bool
    headers: dict[str, Any]
    fault: str | None
    at: float = field(default_factory=time.time)
    ended: Literal["open", "complete", "client_left", "fault"] = "open"


class Ledger:
    """All calls since the last reset, and those in progress whenever they began."""

    def __init__(self) -> None:
        self.open_calls = 0
        self.reset()

    def reset(self) -> None:
        """Forget the past. Calls in progress stay counted in `open_calls` until they end."""
        self.counts: Counter[Operation] = Counter()
        self._calls: deque[Call] = deque(maxlen=KEPT)

    @contextmanager
    def entry(self, call: Call) -> Iterator[None]:
        """Keep a call; the way this block is left tells how it ended."""
        self.counts[call.operation] += 1
        self.open_calls += 1
        self._calls.append(call)
        try:
            yield
            call.ended = "fault" if call.fault in SPOILING else "complete"
        except (ClientLeft, GeneratorExit):  # while we waited, or while we wrote
            call.ended = "client_left"
            raise
        except Broken:
            call.ended = "fault"
            raise
        finally:
            self.open_calls -= 1

    def newest_last(self) -> list[dict[str, Any]]:
        return [asdict(call) for call in self._calls]


def headers_of(environ: Mapping[str, Any]) -> dict[str, Any]:
    """The headers of a WSGI request that are worth keeping. A key is a secret: only its presence is told."""
    wanted = {name: environ.get("HTTP_" + name.upper().replace("-", "_")) for name in HEADERS}
    came: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    return came | {"authorization-present": "HTTP_AUTHORIZATION" in environ}
