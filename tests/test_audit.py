"""The dependency audit fails only for vulnerabilities, and reports packages that it could not audit."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import pytest

from tests.support.services import ROOT


@pytest.fixture
def audit() -> ModuleType:
    spec = importlib.util.spec_from_file_location("audit", ROOT / ".ci" / "audit.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def package(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "version": "1.0", "vulns": [], **fields}


def test_a_vulnerability_fails_and_names_the_fixed_version(audit, capsys):
    vulnerability = {"id": "CVE-1", "fix_versions": ["1.1"]}
    assert audit.report([package("good"), package("bad", vulns=[vulnerability])]) == 1
    assert "bad 1.0: CVE-1, fixed in ['1.1']" in capsys.readouterr().out


def test_packages_unknown_to_the_source_pass_and_are_reported(audit, capsys):
    assert audit.report([package("good"), {"name": "unknown", "skip_reason": "not found"}]) == 0
    output = capsys.readouterr().out
    assert "Audited 1 of 2 packages" in output
    assert "NOT AUDITED" in output


@pytest.mark.parametrize("output", ["", "Traceback: no route to host"])
def test_an_unavailable_source_passes_and_is_reported(audit, monkeypatch, capsys, output):
    completed = type("Completed", (), {"stdout": output})
    monkeypatch.setattr(audit.subprocess, "run", lambda *_, **__: completed)
    assert audit.main() == 0
    assert "NOT AUDITED" in capsys.readouterr().out
