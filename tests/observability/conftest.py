from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.observability import site

Lines = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _site(settings, db):  # closing a response also closes database connections
    settings.ROOT_URLCONF = site.__name__
    settings.MIDDLEWARE = site.MIDDLEWARE
    settings.TEMPLATES = []  # the error pages are tested elsewhere


@pytest.fixture
def lines(capsys) -> Lines:
    """Returns the lines logged since the last call, optionally only those with a message. Every line must be JSON."""

    def read(message: str | None = None) -> list[dict[str, Any]]:
        parsed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return [line for line in parsed if message in (None, line["message"])]

    return read
