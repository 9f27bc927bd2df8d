"""The upstream calls and the breaker's transitions behind the answers.

The stand-in's ledger has the start of each call and whether it is still open; the instances' logs have its end, and the
breaker's transitions. Times are unix seconds.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class UpstreamCall:
    """One call that reached the AI. `ended` is None when no instance logged its end.

    `attempt` counts from 1. A request that fails on a reused connection is sent again at once on a fresh one: both are
    the same attempt.
    """

    correlation_id: str
    attempt: int
    began: float
    ended: float | None
    is_open: bool
    is_complete: bool


HOSTILE = "hostile-"  # begins the correlation ids of a hostile visitor


@dataclass(frozen=True, slots=True)
class BreakerChange:
    """A transition of the breaker to `state`."""

    at: float
    state: str


@dataclass(frozen=True, slots=True)
class LogLine:
    at: float
    fields: dict[str, Any]


class Logs:
    """The instances' logs from their present end on."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._offsets = {file: file.stat().st_size for file in files}

    def read(self, clock_shift: float = 0.0) -> list[LogLine]:
        """The new lines in order. Lines dated `clock_shift` seconds in the future are corrected."""
        lines = [self._parse(text, clock_shift) for text in self._texts()]
        return sorted((line for line in lines if line), key=lambda line: line.at)

    def _texts(self) -> Iterator[bytes]:
        for file, offset in self._offsets.items():
            with file.open("rb") as opened:
                opened.seek(offset)
                yield from opened

    @staticmethod
    def _parse(text: bytes, clock_shift: float) -> LogLine | None:
        try:
            fields = orjson.loads(text)
            at = datetime.fromisoformat(fields["timestamp"]).timestamp()
        except (ValueError, KeyError, TypeError):  # a traceback, for instance
            return None
        is_shifted = clock_shift and at > time.time() + clock_shift / 2
        return LogLine(at - clock_shift if is_shifted else at, fields)


def upstream_calls(ledger: Iterable[dict[str, Any]], lines: Iterable[LogLine]) -> list[UpstreamCall]:
    """The calls in the stand-in's ledger, each ended by the log line of the same correlation id and attempt."""
    ends = {
        (line.fields.get("correlationId"), line.fields.get("attempt")): line.at
        for line in lines
        if line.fields["message"] == "AI call finished"
    }
    return [_upstream_call(entry, ends) for entry in ledger]


def _upstream_call(entry: dict[str, Any], ends: dict[tuple[Any, Any], float]) -> UpstreamCall:
    headers = entry["headers"]
    correlation_id, attempt = headers.get("x-correlation-id", ""), int(headers.get("x-retry-count", 0)) + 1
    return UpstreamCall(
        correlation_id,
        attempt,
        entry["at"],
        ends.get((correlation_id, attempt)),
        is_open=entry["ended"] == "open",
        is_complete=entry["ended"] == "complete",
    )


def split_hostile(calls: Iterable[UpstreamCall]) -> tuple[list[UpstreamCall], int]:
    """The calls for other people, and the number of those for a hostile visitor."""
    everyone = list(calls)
    others = [call for call in everyone if not call.correlation_id.startswith(HOSTILE)]
    return others, len(everyone) - len(others)


def breaker_changes(lines: Iterable[LogLine]) -> list[BreakerChange]:
    """The breaker's transitions, in order."""
    return [
        BreakerChange(line.at, line.fields["toState"])
        for line in lines
        if line.fields["message"] == "Breaker changed state"
    ]


def logged_outages(lines: Iterable[LogLine]) -> int:
    """How many times a worker has logged Redis or PostgreSQL as unavailable."""
    return sum(line.fields["message"] == "Dependency unavailable" for line in lines)
