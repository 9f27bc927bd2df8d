"""What a machine may lack: there the tests that need it are skipped."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip this test and say why. In CI a test that can't run is a test that fails."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)
