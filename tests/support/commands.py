"""Runs `manage.py` as an operator does, in a process of its own."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from functools import cache
from subprocess import CompletedProcess, TimeoutExpired

from tests.support.fork_server import ForkServer
from tests.support.services import FOLDER, new_folder

SECONDS = 100  # a command takes at most


def manage(*arguments: str, env: Mapping[str, str]) -> CompletedProcess[str]:
    """Run the command with `env` as its whole environment."""
    folder = new_folder("command")
    output, errors = folder / "output", folder / "errors"
    process = _fork_server().start(arguments, env, output, errors)
    try:
        code = process.wait(SECONDS)
    except TimeoutExpired:
        process.terminate()
        raise
    return CompletedProcess(arguments, code, output.read_text(), errors.read_text())


@cache
def _fork_server() -> ForkServer:
    server = ForkServer("manage.py", FOLDER)
    atexit.register(server.stop)
    return server
