"""The API does what its description says: thousands of requests are made from it, and every answer is checked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bff.urls import openai_api
from tests.bff.supabase import SECRET, token_of
from tests.server import Server
from tests.services import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = 60  # made at random for each route, beside those that walk through every limit in the description


@pytest.fixture
def instance(ai, transactional_db):
    server = Server(SUPABASE_JWT_SECRET=SECRET, LOG_LEVEL="warning")
    yield server
    server.stop()


def signed_in() -> str:
    return f"Authorization: Bearer {token_of('parent')}"


def fuzz(description: Path | str, url: str, folder: Path, *options: str) -> int:
    """How many cases were sent. Fails with schemathesis' own report when an answer isn't as described."""
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--config-file",
        str(ROOT / "tests/bff/schemathesis.toml"),
        "run",
    ]
    settings = [f"--max-examples={EXAMPLES}", "--seed=1", "--no-color", "--url", url]
    run = subprocess.run(
        [*command, str(description), *settings, *options],
        cwd=folder,
        env=uncovered(),
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert run.returncode == 0, "\n".join(line[:300] for line in run.stdout.splitlines()) + run.stderr[-2000:]
    return int(re.search(r"([\d,]+) generated", run.stdout)[1].replace(",", ""))


def uncovered() -> dict[str, str]:
    """Our environment, but the tool is not measured: coverage's watch over greenlets can keep it from ending."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    return ours | {"PYTHONWARNINGS": "default"}


@pytest.mark.timeout(300)
def test_every_answer_is_as_described(instance, tmp_path):
    openai = tmp_path / "openai.json"  # its clients know it by heart: it is served nowhere
    openai.write_text(json.dumps(openai_api.get_openapi_schema()))
    runs = [
        (description, options)
        for description in (f"{instance.url}/api/openapi.json", openai)
        for options in ((), ("--header", signed_in()))
    ]
    with ThreadPoolExecutor(2) as both:
        sent = list(both.map(lambda run: fuzz(run[0], instance.url, tmp_path, *run[1]), runs))
    assert sum(sent) >= 2000
    assert not [line for line in instance.lines() if '"level":"error"' in line]
