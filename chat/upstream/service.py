"""The configured AI services, in the order in which they are asked: the second one when the first can't answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2s
from typing import Literal

from django.conf import settings

from chat.upstream.request import Operation

Role = Literal["primary", "fallback"]


@dataclass(frozen=True, slots=True)
class AIService:
    """One AI service as the settings describe it. `has_fallback`: another one is asked if it fails."""

    role: Role
    address: str
    protocol: str
    model: str
    api_key: str = field(repr=False)
    has_fallback: bool = False

    @property
    def settings_prefix(self) -> str:
        """The prefix of its settings' names."""
        return "AI_SERVICE" if self.role == "primary" else "AI_SERVICE_FALLBACK"

    @property
    def target(self) -> str:
        """A short digest of address, protocol and model, which identify the AI."""
        return _digest(self.address.rstrip("/"), self.protocol, self.model)

    def breaker_name(self, operation: Operation) -> str:
        """The name of the circuit breaker of these calls; `chat` and `analyze` are the primary service's."""
        return operation if self.role == "primary" else f"{operation}@{self.role}"


def primary() -> AIService:
    """The service that is asked first."""
    return AIService(
        "primary",
        settings.AI_SERVICE_URL,
        settings.AI_SERVICE_PROTOCOL,
        settings.AI_SERVICE_MODEL,
        settings.AI_SERVICE_API_KEY,
        has_fallback=bool(settings.AI_SERVICE_FALLBACK_URL),
    )


def configured() -> tuple[AIService, ...]:
    """All services, in the order in which they are asked."""
    if not settings.AI_SERVICE_FALLBACK_URL:
        return (primary(),)
    second = AIService(
        "fallback",
        settings.AI_SERVICE_FALLBACK_URL,
        settings.AI_SERVICE_FALLBACK_PROTOCOL,
        settings.AI_SERVICE_FALLBACK_MODEL,
        settings.AI_SERVICE_FALLBACK_API_KEY,
    )
    return primary(), second


@cache
def _digest(*parts: str) -> str:
    return blake2s("\0".join(parts).encode(), digest_size=6).hexdigest()
