"""Which worker may stop accepting connections. Several in a running instance: test_draining.py."""

from __future__ import annotations

import mmap
import struct
import tempfile
import time
from collections.abc import Iterator

import pytest

from bff.server import replacement

NOW = 1_000.0


@pytest.fixture(autouse=True)
def _of_this_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(replacement, "_last_end", mmap.mmap(-1, struct.calcsize("d")))
    monkeypatch.setattr(time, "monotonic", lambda: NOW)
    with tempfile.TemporaryFile() as file:
        monkeypatch.setattr(replacement, "_file", file)
        yield


def test_a_worker_may_stop_while_no_other_one_is_replaced():
    assert replacement.begin()


def test_a_worker_waits_while_the_successor_of_one_that_has_just_ended_starts(monkeypatch):
    replacement.worker_ended()
    assert not replacement.begin()
    monkeypatch.setattr(time, "monotonic", lambda: NOW + replacement.SUCCESSOR_SECONDS + 0.1)
    assert replacement.begin()
