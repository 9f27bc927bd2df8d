"""A circuit breaker for a fleet of processes: one state in Redis, the same rules in memory while Redis is unavailable.

Generic: it depends on nothing of chat, HTTP or Django. Start reading at `Policy`, then `Breaker`.
"""

from __future__ import annotations

from chat.upstream.breaker.breaker import Breaker, CircuitOpen, Permit
from chat.upstream.breaker.circuit import State, Transition, WindowCounts
from chat.upstream.breaker.failover import StoreUnavailable
from chat.upstream.breaker.policy import Policy
from chat.upstream.breaker.snapshot import Override, Snapshot

__all__ = [
    "Breaker",
    "CircuitOpen",
    "Override",
    "Permit",
    "Policy",
    "Snapshot",
    "State",
    "StoreUnavailable",
    "Transition",
    "WindowCounts",
]
