from __future__ import annotations

import pytest

from tests.support import child_coverage
from tests.support.factories import new_entry


@pytest.fixture(autouse=True)
def _one_entry(transactional_db: None) -> None:
    """What is answered is not tested here, and to index all entries takes a worker seconds."""
    new_entry()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Coverage of the servers of a test, for the lines that run in no other process: it doubles their time."""
    for name, value in child_coverage.gevent_env().items():
        monkeypatch.setenv(name, value)
