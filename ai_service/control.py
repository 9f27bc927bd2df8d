"""A client of the control surface for tests and drills."""

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
        """Inject a fault into a `share` of the calls or the next `count`, of one operation or both (see README.md)."""
        self._call("PUT", "faults", {"fault": fault, "share": share, "count": count, "operation": operation, **options})

    def heal(self) -> None:
        """Remove all faults. Calls in progress keep theirs."""
        self._call("DELETE", "faults")

    def pace(self, tokens_per_second: float) -> None:
        """Set the pace of new answers; 0 for no pace."""
        self._call("PUT", "pace", {"tokens_per_second": tokens_per_second})

    def reset(self) -> None:
        """Remove all faults, restore the initial pace, and clear the ledger except for calls in progress."""
        self._call("POST", "reset")

    @property
    def calls(self) -> int:
        """The number of AI calls since the reset, of both operations, however they ended."""
        return int(self._call("GET", "stats")["calls"])

    def calls_of(self, operation: str) -> int:
        """The number of calls of `chat` or `analyze`."""
        return int(self._call("GET", "stats")["calls_of"][operation])

    @property
    def open_calls(self) -> int:
        """The number of AI calls in progress, including those begun before the reset."""
        return int(self._call("GET", "stats")["open_calls"])

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The calls since the reset, newest last: operation, path, at, headers, stream, fault, ended."""
        calls: list[dict[str, Any]] = self._call("GET", "requests")["requests"]
        return calls

    def _call(self, method: str, route: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        with requests.Session() as session:
            session.trust_env = False
            response = session.request(method, f"{self.url}/_control/{route}", json=body, timeout=5)
        data: dict[str, Any] = response.json()
        if not response.ok:
            raise ValueError(data["error"]["message"])
        return data
