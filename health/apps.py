from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core.checks import register

import health.uptime  # noqa: F401 - starts counting at process start, not at the first request
from health import checks, probes


class HealthConfig(AppConfig):
    name = "health"

    def ready(self) -> None:
        register(checks.operators_have_a_token)

    def report(self) -> dict[str, Any]:
        """The body of `/readyz`. Apps that must not import this package call it through Django's app registry."""
        from health import readiness  # noqa: PLC0415 needs the settings

        return readiness.current().report()

    def health_probes(self) -> list[tuple[str, probes.Probe]]:
        """The dependencies of the whole program. `supabase` is the default database, wherever it is hosted."""
        return [("supabase", probes.database), ("cache", probes.cache)]
