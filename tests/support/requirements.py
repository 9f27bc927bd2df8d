"""Programs that some tests need and a machine may lack."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the current test; in CI, fail it."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
