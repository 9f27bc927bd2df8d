"""Fixtures for documents."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chat.documents import sandboxes

SERVER = """#!{python}
import json, os, socket, sys
from chat.documents.sandbox.fork_server import ForkServer
{names}
def work():
    {program}
ForkServer(socket.socket(fileno=0), work).serve()
"""


@pytest.fixture
def own_fork_server() -> Iterator[None]:
    """The sandboxes of this test see its environment and its `sys.executable`."""
    sandboxes.stop()
    yield
    sandboxes.stop()


@pytest.fixture
def fake_sandbox(tmp_path: Path, own_fork_server: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has the sandboxes execute a given line of Python, as if a file had taken them over.

    It sees what the lines of `names` define.
    """

    def install(program: str, names: str = "") -> None:
        path = tmp_path / "python"
        path.write_text(SERVER.format(python=sys.executable, names=names, program=program))
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))

    return install
