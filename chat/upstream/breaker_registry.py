"""The program's circuit breakers: one per operation of each AI service, configured from the settings at first use."""

from __future__ import annotations

from functools import cache, partial
from threading import Lock
from typing import get_args

from django.conf import settings
from django_redis import get_redis_connection
from redis import Redis

from chat.upstream import service
from chat.upstream.breaker import Breaker, Policy, State, Transition
from chat.upstream.request import Operation
from chat.upstream.service import AIService
from observability import logs, metrics, outage

# The values of the metric bff_breaker_state.
STATE_VALUES: dict[State, int] = {"closed": 0, "half_open": 1, "open": 2}

# A probe ends by its operation's deadline. This much later, the process that made it is dead or was frozen.
LEASE_MARGIN_SECONDS = 5.0

# Failures in a row open a circuit once the first is so long ago. At 50 calls a second of which 10 % fail, five in a row
# come by chance twice an hour; a second without any success practically never.
MIN_STREAK_SECONDS = 1.0

log = logs.get_logger(__name__)

_build_lock = Lock()


def names() -> list[str]:
    """The names of all breakers."""
    return list(_guarded_calls())


def get(name: str) -> Breaker:
    """This process' breaker of that name. Raises KeyError for a name not in `names()`."""
    ai, operation = _guarded_calls()[name]
    with _build_lock:  # two breakers of one name would each count half of the calls while Redis is unavailable
        return _build(name, ai.target, operation)


def _guarded_calls() -> dict[str, tuple[AIService, Operation]]:
    """The service and the operation that each breaker guards. Another AI begins with closed circuits."""
    return {
        ai.breaker_name(operation): (ai, operation) for ai in service.configured() for operation in get_args(Operation)
    }


@cache
def _build(name: str, target: str, operation: Operation) -> Breaker:
    deadline = {"chat": settings.AI_DEADLINE_CHAT, "analyze": settings.AI_DEADLINE_ANALYZE}[operation]
    return Breaker(
        name,
        _policy(deadline),
        target=target,
        redis=redis,
        outage=redis_outage(),
        on_transition=partial(_record_transition, name),
        on_state=partial(_set_state_metric, name),
        on_rejection=metrics.BREAKER_REJECTIONS.labels(name).inc,
    )


def redis() -> Redis:
    """The breakers' Redis, with its own pool and short timeouts."""
    client: Redis = get_redis_connection("breaker")
    return client


def redis_outage() -> outage.Outage:
    """Whether that Redis is unavailable."""
    return outage.for_redis(settings.CACHES["breaker"]["LOCATION"], redis)


def refresh_metrics() -> None:
    """Set the state metric of each breaker: another instance may have changed the state since the last call here."""
    for name in names():
        _set_state_metric(name, get(name).snapshot().state)


def _policy(deadline: float) -> Policy:
    return Policy(
        failure_threshold=settings.BREAKER_FAILURE_THRESHOLD,
        window=settings.BREAKER_WINDOW_SECONDS,
        min_calls=settings.BREAKER_MIN_CALLS,
        failure_rate=settings.BREAKER_FAILURE_RATE,
        slow_call=settings.BREAKER_SLOW_CALL_SECONDS,
        open_for=settings.BREAKER_OPEN_SECONDS,
        open_max=settings.BREAKER_OPEN_MAX_SECONDS,
        probes=settings.BREAKER_PROBES,
        success_threshold=settings.BREAKER_SUCCESS_THRESHOLD,
        probe_lease=deadline + LEASE_MARGIN_SECONDS,
        min_streak=MIN_STREAK_SECONDS,
    )


def _record_transition(name: str, transition: Transition) -> None:
    """Count and log a transition. The breaker calls this in exactly one process of the fleet."""
    metrics.BREAKER_TRANSITIONS.labels(name, transition.from_state, transition.to_state).inc()
    _set_state_metric(name, transition.to_state)
    write = log.warning if transition.to_state == "open" else log.info
    write(
        "Breaker changed state",
        breaker=name,
        from_state=transition.from_state,
        to_state=transition.to_state,
        cause=transition.cause,
        # An operator's name and reason are not logged: they may be personal. The breaker's history has them.
        code=None if transition.who else transition.reason,
    )


def _set_state_metric(name: str, state: State) -> None:
    metrics.BREAKER_STATE.labels(name).set(STATE_VALUES[state])
