"""Where a run of minutes is."""

from __future__ import annotations

import time

_began = time.monotonic()


def tell(what: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - _began), 60)
    print(f"[{minutes}:{seconds:02}] {what}", flush=True)
