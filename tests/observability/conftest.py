from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.observability import site

Lines = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _site(settings, db):  # the database, for closing a response looks after its connections
    settings.ROOT_URLCONF = site.__name__
    settings.MIDDLEWARE = site.MIDDLEWARE
    settings.TEMPLATES = []  # the error pages are tested elsewhere


@pytest.fixture
def lines(capsys) -> Lines:
    """Every line logged since it was last asked, or those with a given message; fails on one that is not JSON."""

    def read(message: str | None = None) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return [line for line in found if message in (None, line["message"])]

    return read
