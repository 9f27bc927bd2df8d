"""Two running instances and a runner for JavaScript clients."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.requirements import skip_or_fail
from tests.support.server import Server
from tests.support.supabase import SECRET, token_of

HERE = Path(__file__).parent

Node = Callable[..., Callable[..., Any]]


@pytest.fixture(scope="package")
def instances(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Server, Server]]:
    """Two instances shared by all tests of this folder. Each test uses a caller and questions of its own.

    They are stopped before a test of another folder, whose entries they would load and keep for a second.
    """
    with django_db_blocker.unblock():
        both = Server(SUPABASE_JWT_SECRET=SECRET), Server(SUPABASE_JWT_SECRET=SECRET)
    yield both
    for instance in both:
        instance.stop()


@pytest.fixture
def token() -> str:
    """An access token of a new caller."""
    return token_of(f"user-{uuid.uuid4()}")


@pytest.fixture
def conversation() -> str:
    return f"chosen-{uuid.uuid4()}"


@pytest.fixture(scope="session")
def node() -> Iterator[Node]:
    """Starts a script of this folder, ended with the tests: it reads lines of JSON and answers each with one.
    `ask = node("ai_sdk.mjs", "ai-v6"); ask(scenario="ask", …)`"""
    if shutil.which("node") is None:
        skip_or_fail("node is not installed (Debian's package nodejs)")
    if not (HERE / "node_modules").exists():
        skip_or_fail("the JavaScript clients are not installed: make test does it, with Debian's npm")
    with ExitStack() as processes:

        @cache
        def start(script: str, *arguments: str) -> Callable[..., Any]:
            command = ["node", str(HERE / script), *arguments]
            process = processes.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )

            def ask(**options: Any) -> Any:
                assert process.stdin
                assert process.stdout
                print(json.dumps(options), file=process.stdin, flush=True)
                answer = process.stdout.readline()
                assert answer, f"{command} has ended; see its standard error"
                return json.loads(answer)

            return ask

        yield start
