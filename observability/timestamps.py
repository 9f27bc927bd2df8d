"""The timestamp format of logs and JSON responses."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def iso(seconds: float | None = None) -> str:
    """Unix seconds (default: now) as `2025-10-01T23:00:00.000Z`."""
    moment = datetime.fromtimestamp(time.time() if seconds is None else seconds, UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"  # replaces "+00:00"
