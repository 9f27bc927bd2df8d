"""The instance that `make run` runs in this checkout, so that `manage.py` finds it without being told."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bff.dev.services import VAR

NOTE = VAR / "running.json"


@contextmanager
def noted(**settings: str) -> Iterator[None]:
    """Note these settings of the instance while the block runs in this process."""
    NOTE.parent.mkdir(exist_ok=True)
    NOTE.write_text(json.dumps({"pid": os.getpid(), "settings": settings}))
    try:
        yield
    finally:
        if _note().get("pid") == os.getpid():  # a second instance may have been started since
            NOTE.unlink(missing_ok=True)


def settings() -> dict[str, str]:
    """The settings of the instance that was started last; none if it doesn't run."""
    note = _note()
    try:
        os.kill(note["pid"], 0)
    except (OSError, KeyError):
        return {}
    found: dict[str, str] = note["settings"]
    return found


def _note() -> dict[str, Any]:
    try:
        note: dict[str, Any] = json.loads(NOTE.read_text())
    except (OSError, ValueError):
        return {}
    return note
