"""Prints progress with the time since the start."""

from __future__ import annotations

import time

_began = time.monotonic()


def print_progress(step: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - _began), 60)
    print(f"[{minutes}:{seconds:02}] {step}", flush=True)
