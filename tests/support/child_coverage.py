"""Coverage of child processes, where asked for: it doubles the time of a process, and most run what tests run here too.

Imported before any child starts, so that none inherits it. Only the controller of pytest-xdist passes it on, to the
processes that run the tests.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.support import xdist

_CONFIG = ""
if not xdist.is_controller():
    _CONFIG = os.environ.pop("COVERAGE_PROCESS_CONFIG", "")  # set by coverage in a process that it watches


def env() -> dict[str, str]:
    """The variables with which a Python process is watched; none if this one is not."""
    return {"COVERAGE_PROCESS_CONFIG": _CONFIG} if _CONFIG else {}


def gevent_env() -> dict[str, str]:
    """The same for a process whose greenlets are to be watched."""
    return {"COVERAGE_PROCESS_START": str(Path(__file__).with_name("server.coveragerc"))} if _CONFIG else {}
