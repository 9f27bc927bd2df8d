"""What `/readyz` asks on this app's behalf. Each returns details for the report, or raises."""

from __future__ import annotations

import requests
from django.conf import settings

from chat import hit_rate
from chat.upstream import breakers

TIMEOUT_SECONDS = 0.6


class CircuitIsOpen(Exception):
    """Chat calls are not let through just now."""

    code = "circuit_open"


def ai_breakers() -> dict[str, object]:
    """The state of each breaker."""
    return {"breakers": {name: breakers.get(name).snapshot().state for name in breakers.NAMES}}


def ai_service() -> dict[str, object]:
    """Whether the AI can be asked. Its health address costs nothing; asking it anything does."""
    if breakers.get("chat").snapshot().state == "open":
        raise CircuitIsOpen
    response = requests.get(f"{settings.AI_SERVICE_URL}/health", timeout=TIMEOUT_SECONDS, allow_redirects=False)
    if response.status_code >= 500:  # a service without such an address answers 404, and lives
        response.raise_for_status()
    return {}


def answer_cache() -> dict[str, object]:
    """The fleet's hit rate over the last five minutes; None when nobody asked."""
    return {"hitRate": hit_rate.current()}
