from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core.checks import register

import health.uptime  # noqa: F401 - counts from now, not from the first request
from health import checks, probes


class HealthConfig(AppConfig):
    name = "health"

    def ready(self) -> None:
        register(checks.required_dependencies_exist)

    def report(self) -> dict[str, Any]:
        """What `/readyz` says, for other rooms: they know this one by name alone."""
        from health import readiness  # noqa: PLC0415 needs the settings

        return readiness.current().report()

    def health_probes(self) -> list[tuple[str, probes.Probe]]:
        """The two that every part of the program rests on. `supabase` is the default database, wherever it is."""
        return [("supabase", probes.database), ("cache", probes.cache)]
