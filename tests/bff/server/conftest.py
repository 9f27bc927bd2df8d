from __future__ import annotations

import pytest

from tests.support.factories import new_entry


@pytest.fixture(autouse=True)
def _one_entry(transactional_db: None) -> None:
    """What is answered is not tested here, and to index all entries takes a worker seconds."""
    new_entry()
