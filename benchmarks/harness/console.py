"""Progress on stderr, and the interruption of a long run."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
"""Exit code after Ctrl-C or SIGTERM."""
INTERRUPTED_MESSAGE = "Stopped, with all that it had started."
ERASE_LINE = "\r\x1b[K"


def show_step(step: str) -> None:
    """Write a line on stderr. On a terminal it replaces the current status."""
    print(f"{ERASE_LINE}{step}" if sys.stderr.isatty() else step, file=sys.stderr, flush=True)


def show_status(status: str) -> None:
    """Replace the status on a terminal; write nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"{ERASE_LINE}  {status}", end="", file=sys.stderr, flush=True)


@contextmanager
def sigterm_as_keyboard_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGTERM within the block, so that both signals stop all child processes."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
