"""The client of the control surface, for tests and drills."""

from __future__ import annotations

from typing import Any

import requests


class StandIn:
    """A running stand-in: `StandIn("http://127.0.0.1:8001").fail("error", status=503, count=2)`."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def fail(
        self,
        fault: str,
        *,
        share: float = 1.0,
        count: int | None = None,
        operation: str | None = None,
        **options: float,
    ) -> None:
        """Let calls go wrong: a `share` of them, or the next `count`, of one operation or of all (see README.md)."""
        self._ask("PUT", "faults", {"fault": fault, "share": share, "count": count, "operation": operation, **options})

    def heal(self) -> None:
        """End all faults. Calls that already suffer one go on suffering."""
        self._ask("DELETE", "faults")

    def pace(self, tokens_per_second: float) -> None:
        """How fast the next answers are written; 0 is as fast as it can."""
        self._ask("PUT", "pace", {"tokens_per_second": tokens_per_second})

    def reset(self) -> None:
        """Heal, take back the pace of the start, and forget all calls but those in progress."""
        self._ask("POST", "reset")

    @property
    def calls(self) -> int:
        """AI calls since the reset, both operations, whatever became of them."""
        return int(self._ask("GET", "stats")["calls"])

    def calls_of(self, operation: str) -> int:
        """The same for `chat` or `analyze` alone."""
        return int(self._ask("GET", "stats")["calls_of"][operation])

    @property
    def open_calls(self) -> int:
        """AI calls in progress, begun before the reset or since."""
        return int(self._ask("GET", "stats")["open_calls"])

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The calls since the reset, newest last: operation, path, at, headers, stream, fault, ended."""
        calls: list[dict[str, Any]] = self._ask("GET", "requests")["requests"]
        return calls

    def _ask(self, method: str, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        with requests.Session() as session:
            session.trust_env = False
            reply = session.request(method, f"{self.url}/_control/{what}", json=body, timeout=5)
        answer: dict[str, Any] = reply.json()
        if not reply.ok:
            raise ValueError(answer["error"]["message"])
        return answer
