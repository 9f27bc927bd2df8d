"""Health probes of the AI service and the answer cache, for `/readyz`."""

from __future__ import annotations

from urllib.parse import urlsplit

from chat.storage import fleet_counters
from chat.upstream import breaker_registry, service, session
from chat.upstream.errors import AIUnavailable
from chat.upstream.http.cancel_scope import CancelScope, Deadline
from chat.upstream.http.connection import Connection, tls_context
from chat.upstream.http.resolver import Resolver
from chat.upstream.service import AIService

TIMEOUT_SECONDS = 0.6


def ai_breakers() -> dict[str, object]:
    """The state of each breaker."""
    return {"breakers": {name: breaker_registry.get(name).snapshot().state for name in breaker_registry.names()}}


def ai_service() -> dict[str, object]:
    """Raises if no AI can answer: its failures have opened the breaker, or it can't be connected to.

    Degraded if the second AI answers in place of the first, or if one of them refuses our key, address, model or quota,
    which `cause` names. The state comes from the results of recent calls; without any, this opens a connection and
    sends no request, because even one to `/health` may cost money at an unknown service.
    """
    first, *others = service.configured()
    try:
        found = _state_of(first)
    except (AIUnavailable, OSError) as error:
        if not any(map(_can_answer, others)):
            raise
        return {"status": "degraded", "error": error.code if isinstance(error, AIUnavailable) else "unreachable"}
    refusals = (session.get(ai).state.refusal() for ai in others)
    if not found and (refusal := next(filter(None, refusals), "")):
        return {"status": "degraded", "error": "fallback_misconfigured", "cause": refusal}
    return found


def answer_cache() -> dict[str, object]:
    """The fleet's hit rate over the last five minutes; None without any lookup."""
    return {"hitRate": fleet_counters.hit_rate()}


def _state_of(ai: AIService) -> dict[str, object]:
    state = session.get(ai).state
    if refusal := state.refusal():
        return {"status": "degraded", "error": "ai_misconfigured", "cause": refusal}
    snapshot = breaker_registry.of(ai, "chat").snapshot()
    if snapshot.state == "open" and snapshot.forced is None:
        raise AIUnavailable("circuit_open", "circuit_open")
    if not state.has_succeeded_recently:
        _connect(ai.address)
    return {}


def _can_answer(ai: AIService) -> bool:
    """Whether the service is not known to fail: its circuit is not open, and it does not refuse our settings."""
    is_open = breaker_registry.of(ai, "chat").snapshot().state == "open"
    return not is_open and not session.get(ai).state.refusal()


def _connect(url: str) -> None:
    """Open and close a connection to the AI service. Raises OSError."""
    address = urlsplit(url)
    tls = tls_context() if address.scheme == "https" else None
    scope = CancelScope(Deadline.after(TIMEOUT_SECONDS), TIMEOUT_SECONDS)
    Connection(Resolver(address), tls, TIMEOUT_SECONDS, scope).close()
