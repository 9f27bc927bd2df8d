"""System checks of this app's settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from health.probes import probes_by_dependency


def required_dependencies_exist(**_: Any) -> list[CheckMessage]:
    known = probes_by_dependency().keys()
    return [
        Error(
            f"HEALTH_REQUIRED names {name!r}, which is not a dependency.",
            hint=f"Choose from: {', '.join(sorted(known))}.",
            id="health.E001",
        )
        for name in settings.HEALTH_REQUIRED
        if name not in known
    ]
