"""How CPU time grows with the length of a text: a comparison holds on every machine, also under coverage."""

from __future__ import annotations

import time
from collections.abc import Callable

NEGLIGIBLE_SECONDS = 0.05  # too short to compare


def assert_linear(run: Callable[[str], object], piece: str, length: int) -> None:
    """Four times the text takes at most eight times as long: twice the time of a linear function, half of a quadratic
    one. `length` is that of the longer text, made of `piece`.

    Seconds are CPU seconds of this thread, of the fastest of three runs: the others were disturbed.
    """
    short, long = (piece * (characters // len(piece)) for characters in (length // 4, length))
    seconds = _fastest(run, short, enough=NEGLIGIBLE_SECONDS / 8)
    allowed = max(8 * seconds, NEGLIGIBLE_SECONDS)
    assert (found := _fastest(run, long, enough=allowed)) <= allowed, (seconds, found)


def _fastest(run: Callable[[str], object], text: str, enough: float) -> float:
    """CPU seconds of the fastest of three runs, or of the first one that takes no more than `enough`."""
    durations = []
    for _ in range(3):
        started_at = time.thread_time()
        run(text)
        durations.append(time.thread_time() - started_at)
        if durations[-1] <= enough:
            break
    return min(durations)
