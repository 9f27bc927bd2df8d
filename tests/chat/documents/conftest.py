"""Fixtures for documents."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chat.documents import sandboxes


@pytest.fixture
def own_fork_server() -> Iterator[None]:
    """The sandboxes of this test see its environment and its `sys.executable`."""
    sandboxes.stop()
    yield
    sandboxes.stop()
