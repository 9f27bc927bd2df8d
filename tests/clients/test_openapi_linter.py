"""Spectral, the linter of OpenAPI documents, finds nothing wrong with ours."""

from __future__ import annotations

import json
import subprocess

import pytest

from bff.urls import api
from tests.clients.conftest import HERE
from tests.support.requirements import skip_or_fail


@pytest.mark.timeout(120)
def test_the_openapi_document_follows_the_rules_of_spectral(tmp_path):
    linter = HERE / "node_modules" / ".bin" / "spectral"
    if not linter.exists():
        skip_or_fail("Spectral is not installed: make test does it, with Debian's npm")
    document, rules = tmp_path / "openapi.json", tmp_path / "rules.json"
    document.write_text(json.dumps(api.get_openapi_schema()))
    rules.write_text(json.dumps({"extends": ["spectral:oas"]}))

    command = [str(linter), "lint", str(document), "--ruleset", str(rules), "--fail-severity", "warn"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)

    assert process.returncode == 0, process.stdout
