"""The files and tests that docs/security.md rests on exist."""

from __future__ import annotations

import re

from tests.support.services import ROOT


def test_every_file_and_test_that_is_named_exists():
    text = (ROOT / "docs" / "security.md").read_text()
    named = set(re.findall(r"`((?:tests|docs|bff|chat)/[\w./-]+)(?:::(\w+))?`", text))
    assert len(named) > 40
    for path, test in named:
        assert (ROOT / path).is_file(), path
        assert not test or f"def {test}(" in (ROOT / path).read_text(), test
