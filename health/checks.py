"""System checks of this app's settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning


def operators_have_a_token(**_: Any) -> list[CheckMessage]:
    if settings.READYZ_DETAILS != "operators" or settings.METRICS_TOKEN:
        return []
    return [
        CheckWarning(
            "READYZ_DETAILS is operators, but without METRICS_TOKEN /readyz shows the dependencies to nobody.",
            hint="Set METRICS_TOKEN, which operators send as bearer, or READYZ_DETAILS to public.",
            id="health.W001",
        )
    ]
