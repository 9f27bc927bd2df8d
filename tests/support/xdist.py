"""Which of pytest-xdist's processes this one is."""

from __future__ import annotations

import os
import shlex
import sys


def is_controller() -> bool:
    """Whether this process only distributes the tests over others (`-n`), and runs none itself."""
    arguments = [*sys.argv[1:], *shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))]
    return "PYTEST_XDIST_WORKER" not in os.environ and any(
        argument.startswith(("-n", "--numprocesses")) for argument in arguments
    )
