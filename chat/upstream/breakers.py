"""The breakers of this program, one for each operation of the AI service, set up from the settings at first use."""

from __future__ import annotations

from functools import cache, partial
from threading import Lock
from typing import Literal, get_args

from django.conf import settings
from django_redis import get_redis_connection
from redis import Redis

from chat.upstream.breaker import Breaker, Policy, State, Transition
from observability import absence, logs, metrics

Name = Literal["chat", "analyze"]

NAMES: tuple[Name, ...] = get_args(Name)

# What bff_breaker_state shows.
LEVELS: dict[State, int] = {"closed": 0, "half_open": 1, "open": 2}

# A probe ends by its operation's deadline; this much later whoever made it is dead or was frozen.
LEASE_MARGIN_SECONDS = 5.0

log = logs.get_logger(__name__)

_building = Lock()


def get(name: str) -> Breaker:
    """This process' breaker of that name. Raises KeyError for any other than NAMES."""
    with _building:  # two breakers of one name would each remember half while Redis is away
        return _build(name)


@cache
def _build(name: str) -> Breaker:
    deadline = {"chat": settings.AI_DEADLINE_CHAT, "analyze": settings.AI_DEADLINE_ANALYZE}[name]
    return Breaker(
        name,
        _policy(deadline),
        redis=_redis,
        absence=absence.of_redis(settings.CACHES["breaker"]["LOCATION"], _redis),
        on_transition=partial(_tell, name),
        on_state=partial(_show, name),
        on_rejection=metrics.BREAKER_REJECTIONS.labels(name).inc,
    )


def _redis() -> Redis:
    client: Redis = get_redis_connection("breaker")
    return client


def show() -> None:
    """Have the metrics say how each breaker is now: another instance may have changed it, and nobody called since."""
    for name in NAMES:
        _show(name, get(name).snapshot().state)


def _policy(deadline: float) -> Policy:
    return Policy(
        window=settings.BREAKER_WINDOW_SECONDS,
        failure_threshold=settings.BREAKER_FAILURE_THRESHOLD,
        failure_rate=settings.BREAKER_FAILURE_RATE,
        slow_call=settings.BREAKER_SLOW_CALL_SECONDS,
        open_for=settings.BREAKER_OPEN_SECONDS,
        open_max=settings.BREAKER_OPEN_MAX_SECONDS,
        probes=settings.BREAKER_PROBES,
        success_threshold=settings.BREAKER_SUCCESS_THRESHOLD,
        probe_lease=deadline + LEASE_MARGIN_SECONDS,
    )


def _tell(name: str, transition: Transition) -> None:
    """One process of the fleet hears of each transition: it counts it and writes the line."""
    metrics.BREAKER_TRANSITIONS.labels(name, transition.from_state, transition.to_state).inc()
    _show(name, transition.to_state)
    write = log.warning if transition.to_state == "open" else log.info
    write(
        "Breaker changed state",
        breaker=name,
        from_state=transition.from_state,
        to_state=transition.to_state,
        cause=transition.cause,
        # An operator's name and words stay in the history: they are no error code, and may be personal.
        code=None if transition.who else transition.reason,
    )


def _show(name: str, state: State) -> None:
    metrics.BREAKER_STATE.labels(name).set(LEVELS[state])
