"""Reads the settings of many environments, one after the other in this process, and prints each result as JSON.

Standard input: `{name: environment}`. Run by test_environments.py.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any

from bff import settings

NAMES = [
    *(each.name for each in settings.SETTINGS_IN_FORCE if hasattr(settings, each.name)),
    "DATABASE",
]


def read(env: dict[str, str]) -> dict[str, Any]:
    """The values by name and what is shown of them, or the message with which the program ends."""
    os.environ.clear()
    os.environ.update(env)
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            read = runpy.run_path(settings.__file__)
        except SystemExit as stop:
            return {"stopped": str(stop.code)}
    values = {name: read[name] for name in NAMES}
    return {"values": values, "shown": [(each.name, each.shown, each.source) for each in read["SETTINGS_IN_FORCE"]]}


if __name__ == "__main__":
    environments = json.load(sys.stdin)
    print(json.dumps({name: read(env) for name, env in environments.items()}, default=str))  # noqa: T201
    assert Path(settings.__file__).name == "settings.py"
