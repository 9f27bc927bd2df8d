"""Since when this process serves."""

from __future__ import annotations

import time

_began = time.monotonic()


def seconds() -> int:
    return int(time.monotonic() - _began)
