from __future__ import annotations

from collections.abc import Callable

import pytest

from health import draining, readiness
from health.probes import Probe
from health.readiness import Readiness


class Clock:
    """A monotonic clock that tests advance by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def use_probes(settings, monkeypatch, clock) -> Callable[..., Readiness]:
    """Replace all probes: `use_probes(supabase=probe, cache=[probe, another_probe])`."""
    settings.ROOT_URLCONF = "health.urls"

    def install(**probes: Probe | list[Probe]) -> Readiness:
        lists = {name: probe if isinstance(probe, list) else [probe] for name, probe in probes.items()}
        installed = Readiness(lists, clock)
        monkeypatch.setattr(readiness, "current", lambda: installed)
        return installed

    return install


@pytest.fixture
def start_draining(monkeypatch) -> Callable[[], None]:
    """Starts draining, as SIGTERM does; undone after the test."""
    monkeypatch.setattr(draining, "_flag", bytearray(1))
    return draining.start
