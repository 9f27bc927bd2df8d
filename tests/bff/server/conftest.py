from __future__ import annotations

import pytest

from tests.support import child_coverage


@pytest.fixture(autouse=True)
def _watch_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """gunicorn's worker runs in servers alone."""
    for name, value in child_coverage.gevent_env().items():
        monkeypatch.setenv(name, value)
