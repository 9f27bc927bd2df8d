"""`make lighthouse`: what Lighthouse says of the first page in production mode. No tests: run by file name only."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.e2e.test_first_load import BEHIND_A_PROXY, production  # noqa: F401 a fixture

# The last version that runs with Node 20.
COMMAND = ["npx", "--yes", "lighthouse@12.8.2"]
FORM_FACTORS = {"phone": [], "desktop": ["--preset=desktop"]}
LEAST = {"accessibility": 0.98, "best-practices": 0.98, "performance": 0.9}


@pytest.mark.parametrize("form_factor", FORM_FACTORS)
def test_lighthouse(production, tmp_path, form_factor):  # noqa: F811 the fixture
    report = tmp_path / "report.json"
    options = [
        production.url,
        "--quiet",
        "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
        f"--extra-headers={json.dumps(BEHIND_A_PROXY['extra_http_headers'])}",
        "--output=json",
        f"--output-path={report}",
        f"--only-categories={','.join(LEAST)}",
        *FORM_FACTORS[form_factor],
    ]
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    subprocess.run([*COMMAND, *options], env=os.environ | {"CHROME_PATH": str(chromium)}, check=True)

    result = json.loads(report.read_text())
    scores = {name: category["score"] for name, category in result["categories"].items()}
    requests = result["audits"]["network-requests"]["details"]["items"]
    sys.stdout.write(f"\n{form_factor}: {scores}, {len(requests)} requests\n")
    assert all(scores[name] >= least for name, least in LEAST.items())
