"""How long this process has been running, counted from the import of this module."""

from __future__ import annotations

import time

_started_at = time.monotonic()


def seconds() -> int:
    return int(time.monotonic() - _started_at)
