"""Settings as people write them (environments.py): each is read, or reported with all other invalid ones."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bff.environments import CASES, JWT, KEY, Case
from tests.support.services import ROOT


def environment(case: Case, folder: Path) -> dict[str, str]:
    """The environment of the case, whose files are written into the folder."""
    for name, content in {".env": case.dotenv, **case.files}.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data.replace(b"{folder}", str(folder).encode()))
    env = {name: value.replace("{folder}", str(folder)) for name, value in case.env.items()}
    own = {"PATH": os.environ["PATH"], "SECRET_KEY": KEY, "SUPABASE_JWT_SECRET": JWT}
    return {**own, "ENV_FILE": str(folder / ".env"), **env}


OWN = ("PATH", "COVERAGE_PROCESS_CONFIG")  # of the process that reads all


@pytest.fixture(scope="module")
def read(tmp_path_factory) -> dict[str, dict[str, Any]]:
    """The result of each case, read in one other process."""
    environments = {name: environment(case, tmp_path_factory.mktemp("case")) for name, case in CASES.items()}
    process = subprocess.run(
        [sys.executable, "-m", "tests.bff.read_environments"],
        cwd=ROOT,
        input=json.dumps(environments),
        env={name: os.environ[name] for name in OWN if name in os.environ} | {"DEBUG": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    results: dict[str, dict[str, Any]] = json.loads(process.stdout)
    return results


@pytest.mark.parametrize("name", CASES)
def test_an_environment_is_read_or_all_its_problems_are_reported(read, name):
    case, result = CASES[name], read[name]
    told = result.get("stopped", "")
    for problem in case.problems:
        assert problem in told, told
    for line in told.splitlines()[1:-1]:
        assert re.fullmatch(r"  - \S+: .+\. Example: \S+=.+", line)
    if not case.problems:
        assert told == ""
        assert_as_expected(case.expected, result["values"])
        shown = {setting: text for setting, text, _ in result["shown"]}
        assert shown | case.shown == shown
    for secret in case.withheld:
        assert secret not in json.dumps(result, ensure_ascii=False)


def assert_as_expected(expected: dict[str, Any], values: dict[str, Any]) -> None:
    for name, value in expected.items():
        if name == "SSL":
            assert values["DATABASE"]["OPTIONS"]["sslmode"] == value
        elif name == "SESSION":
            assert values["DATABASE"]["OPTIONS"].get("target_session_attrs") == value
        elif name == "OPTIONS":
            assert values["DATABASE"]["OPTIONS"] | value == values["DATABASE"]["OPTIONS"]
        elif name == "DATABASE":
            options = values["DATABASE"].get("OPTIONS", {})
            found = values["DATABASE"] | ({"HOST": options["host"]} if "host" in options else {})
            assert found | value == found
        else:
            assert values[name] == value
    unknown = {"pgbouncer", "connection_limit", "pool_timeout", "supa", "uselibpqcompat", "ssl"}
    assert not unknown & set(values["DATABASE"].get("OPTIONS", {}))
