"""Which of pytest-xdist's processes this one is."""

from __future__ import annotations

import argparse
import os
import shlex
import sys


def is_controller() -> bool:
    """Whether this process only distributes the tests over others (`-n`), and runs none itself."""
    return "PYTEST_XDIST_WORKER" not in os.environ and _processes() != "0"


def _processes() -> str:
    """The number of processes asked for, as written: the plugin has not read it yet."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-n", "--numprocesses", default="0")
    return str(
        parser.parse_known_args([*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *sys.argv[1:]])[0].numprocesses
    )
