"""Two running instances, and the JavaScript clients that talk to them."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bff.supabase import SECRET, token_of
from tests.missing import missing
from tests.server import Server

HERE = Path(__file__).parent

Node = Callable[..., Any]


@pytest.fixture(scope="session")
def instances(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Server, Server]]:
    """Two instances for all tests of this folder: each test is somebody else, and asks something else."""
    with django_db_blocker.unblock():
        both = Server(SUPABASE_JWT_SECRET=SECRET), Server(SUPABASE_JWT_SECRET=SECRET)
    yield both
    for instance in both:
        instance.stop()


@pytest.fixture
def token() -> str:
    """The access token of a person of this test's own."""
    return token_of(f"user-{uuid.uuid4()}")


@pytest.fixture
def conversation() -> str:
    return f"chosen-{uuid.uuid4()}"


@pytest.fixture(scope="session")
def node() -> Node:
    """Runs one of the scripts here: `node("ai_sdk.mjs", "ai-v6", scenario="ask", …)` gives the JSON that it prints."""
    if shutil.which("node") is None:
        missing("node is not installed (Debian's package nodejs)")
    if not (HERE / "node_modules").exists():
        missing("the JavaScript clients are not installed: make test does it, with Debian's npm")

    def run(script: str, *arguments: str, **options: Any) -> Any:
        command = ["node", str(HERE / script), *arguments, json.dumps(options)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
