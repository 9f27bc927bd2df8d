"""Logs and counts unexpected exceptions, so that the program can continue without the failed part."""

from __future__ import annotations

from typing import Literal, get_args

from observability import logs, metrics

log = logs.get_logger(__name__)

# The `room` label of bff_unexpected_errors_total: where the error was caught.
Room = Literal[
    "answer", "cache", "document", "encoder", "fallback", "history", "knowledge", "metrics", "provenance", "ratelimit",
    "request", "runs"
]  # fmt: skip

for _room in get_args(Room):
    metrics.UNEXPECTED_ERRORS.labels(_room)  # at zero: rate() does not see the first event of a series


def report(room: Room) -> None:
    """Log and count the exception that is being handled."""
    log.exception("Unexpected error", room=room)  # noqa: LOG004 - its callers handle one
    count(room)


def count(room: Room) -> None:
    """Count an exception that has been logged."""
    metrics.UNEXPECTED_ERRORS.labels(room).inc()


class survived:  # noqa: N801 - reads as `with survived(…):`
    """Report an exception of the block instead of raising it; for a block whose result is optional."""

    __slots__ = ("_room",)

    def __init__(self, room: Room) -> None:
        self._room = room

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if not isinstance(error, Exception):
            return False
        report(self._room)
        return True
