"""The dependency audit: red for a vulnerability, and for nothing else; never silent about what it could not ask."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import pytest

from tests.services import ROOT


@pytest.fixture
def audit() -> ModuleType:
    found = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def package(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "version": "1.0", "vulns": [], **fields}


def test_a_vulnerability_is_red_and_tells_what_mends_it(audit, capsys):
    hole = {"id": "CVE-1", "fix_versions": ["1.1"]}
    assert audit.report([package("good"), package("bad", vulns=[hole])]) == 1
    assert "bad 1.0: CVE-1, mended in ['1.1']" in capsys.readouterr().out


def test_what_the_source_did_not_answer_about_is_green_and_said_plainly(audit, capsys):
    assert audit.report([package("good"), {"name": "unknown", "skip_reason": "not found"}]) == 0
    said = capsys.readouterr().out
    assert "Audited 1 of 2 packages" in said
    assert "NOT AUDITED" in said


@pytest.mark.parametrize("output", ["", "Traceback: no route to host"])
def test_a_source_that_is_away_is_green_and_said_plainly(audit, monkeypatch, capsys, output):
    answered = type("Done", (), {"stdout": output})
    monkeypatch.setattr(audit.subprocess, "run", lambda *_, **__: answered)
    assert audit.main() == 0
    assert "NOT AUDITED" in capsys.readouterr().out
