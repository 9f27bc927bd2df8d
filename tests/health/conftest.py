from __future__ import annotations

from collections.abc import Callable

import pytest

from health import draining, readiness
from health.probes import Probe
from health.readiness import Readiness


class Clock:
    """Monotonic seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def depends_on(settings, monkeypatch, clock) -> Callable[..., Readiness]:
    """Make the program depend on these probes alone: `depends_on(supabase=probe, cache=[one, another])`."""
    settings.ROOT_URLCONF = "health.urls"

    def install(**probes: Probe | list[Probe]) -> Readiness:
        listed = {name: probe if isinstance(probe, list) else [probe] for name, probe in probes.items()}
        installed = Readiness(listed, clock)
        monkeypatch.setattr(readiness, "current", lambda: installed)
        return installed

    return install


@pytest.fixture
def drain(monkeypatch) -> Callable[[], None]:
    """What the worker does when it is told to stop; undone after the test."""
    monkeypatch.setattr(draining, "_flag", bytearray(1))
    return draining.start
