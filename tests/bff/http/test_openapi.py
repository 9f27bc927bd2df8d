"""The API conforms to its OpenAPI document: thousands of generated requests, each response validated."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.server import Server
from tests.support.services import ROOT
from tests.support.supabase import SECRET, token_of

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = 30  # random cases per route, besides those that cover the limits in the document


@pytest.fixture
def instance(ai, transactional_db):
    server = Server(SUPABASE_JWT_SECRET=SECRET, LOG_LEVEL="warning")
    yield server
    server.stop()


def signed_in() -> str:
    return f"Authorization: Bearer {token_of('parent')}"


def fuzz(description: str, url: str, folder: Path, *options: str) -> int:
    """Run schemathesis and return the number of cases. Fails with its report if a response doesn't conform."""
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--config-file",
        str(ROOT / "tests/bff/http/schemathesis.toml"),
        "run",
    ]
    settings = [f"--max-examples={EXAMPLES}", "--seed=1", "--no-color", "--url", url]
    process = subprocess.run(
        [*command, description, *settings, *options],
        cwd=folder,
        env=os.environ | {"PYTHONWARNINGS": "default"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert process.returncode == 0, (
        "\n".join(line[:300] for line in process.stdout.splitlines()) + process.stderr[-2000:]
    )
    generated = re.search(r"([\d,]+) generated", process.stdout)
    assert generated
    return int(generated[1].replace(",", ""))


@pytest.mark.timeout(300)
def test_every_response_conforms_to_the_openapi_document(instance, tmp_path):
    description = f"{instance.url}/api/openapi.json"
    with ThreadPoolExecutor(2) as pool:
        runs = [(), ("--header", signed_in())]
        counts = list(pool.map(lambda options: fuzz(description, instance.url, tmp_path, *options), runs))
    assert sum(counts) >= 2000
    assert not [line for line in instance.lines() if '"level":"error"' in line]
