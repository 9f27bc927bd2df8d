"""The time between being told to stop and stopping: finish what is here, take nothing new."""

from __future__ import annotations

_draining = False


def start() -> None:
    """From now on `/readyz` says no, so that the load balancer looks elsewhere. Safe in a signal handler."""
    global _draining  # noqa: PLW0603 - one process drains once
    _draining = True


def started() -> bool:
    return _draining
