"""What happened behind the answers: the calls that reached the AI, and the breaker's changes of state.

The stand-in's ledger knows when each call began and whether it is still open; the instances' own logs know when it
ended, and when the breaker changed. Moments are unix seconds.
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
    """One call that reached the AI, which says whether it `is_open`. `ended` is None where nobody wrote it down."""

    correlation: str
    began: float
    ended: float | None
    is_open: bool
    went_to_its_end: bool


@dataclass(frozen=True, slots=True)
class Change:
    """The breaker changed to this state."""

    at: float
    state: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an instance's log."""

    at: float
    fields: dict[str, Any]


class Logs:
    """The instances' logs, from where they end now."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._places = {file: file.stat().st_size for file in files}

    def read(self, wrong_by: float = 0.0) -> list[Line]:
        """The new lines. `wrong_by` is how far a clock was ahead with which some of them may have been dated."""
        lines = [self._line(text, wrong_by) for text in self._texts()]
        return sorted((line for line in lines if line), key=lambda line: line.at)

    def _texts(self) -> Iterator[bytes]:
        for file, place in self._places.items():
            with file.open("rb") as opened:
                opened.seek(place)
                yield from opened

    @staticmethod
    def _line(text: bytes, wrong_by: float) -> Line | None:
        try:
            fields = orjson.loads(text)
            at = datetime.fromisoformat(fields["timestamp"]).timestamp()
        except (ValueError, KeyError, TypeError):  # not everything that a process prints is a log line
            return None
        return Line(at - wrong_by if wrong_by and at > time.time() + wrong_by / 2 else at, fields)


def calls(ledger: Iterable[dict[str, Any]], lines: Iterable[Line]) -> list[UpstreamCall]:
    """The calls in the stand-in's ledger, each with its end from the log line of the same question and attempt."""
    ends = {
        (line.fields.get("correlationId"), line.fields.get("attempt")): line.at
        for line in lines
        if line.fields["message"] == "AI call finished"
    }
    return [_call(entry, ends) for entry in ledger]


def _call(entry: dict[str, Any], ends: dict[tuple[Any, Any], float]) -> UpstreamCall:
    headers = entry["headers"]
    correlation, attempt = headers.get("x-correlation-id", ""), int(headers.get("x-retry-count", 0)) + 1
    return UpstreamCall(
        correlation,
        entry["at"],
        ends.get((correlation, attempt)),
        is_open=entry["ended"] == "open",
        went_to_its_end=entry["ended"] == "complete",
    )


def changes(lines: Iterable[Line]) -> list[Change]:
    """The breaker's changes of state, in order."""
    return [
        Change(line.at, line.fields["toState"]) for line in lines if line.fields["message"] == "Breaker changed state"
    ]
