"""The program's circuit breakers: one per operation of each AI service, configured from the settings at first use."""

from __future__ import annotations

from functools import cache, partial
from threading import Lock
from typing import Literal, get_args

from django.conf import settings

from chat.upstream import service
from chat.upstream.breaker import Breaker, Policy, State, Transition
from chat.upstream.breaker.failover import Failover
from chat.upstream.breaker.memory import MemoryStore
from chat.upstream.breaker.policy import milliseconds
from chat.upstream.breaker.redis import RETENTION_SECONDS, RedisStore
from chat.upstream.request import Operation
from chat.upstream.service import AIService
from observability import logs, metrics
from observability.shared_redis import SharedRedis

Verb = Literal["open", "close", "reset"]  # what an operator may do to a breaker

# The values of the metric bff_breaker_state.
STATE_VALUES: dict[State, int] = {"closed": 0, "half_open": 1, "open": 2}

# A probe ends by its operation's deadline. This much later, the process that made it is dead or was frozen.
LEASE_MARGIN_SECONDS = 5.0

# Failures in a row open a circuit once the first is so long ago. At 50 calls a second of which 10 % fail, five in a row
# come by chance twice an hour; a second without any success practically never.
MIN_STREAK_SECONDS = 1.0

# Its own pool, with short timeouts.
breaker_redis = SharedRedis("breaker")

log = logs.get_logger(__name__)

_build_lock = Lock()


def names() -> list[str]:
    """The names of all breakers."""
    return list(_guarded_calls())


def get(name: str) -> Breaker:
    """This process' breaker of that name. Raises KeyError for a name not in `names()`."""
    return of(*_guarded_calls()[name])


def guarded_by(name: str) -> AIService:
    """The AI service of its calls. Raises KeyError for a name not in `names()`."""
    return _guarded_calls()[name][0]


def is_used_for_another_ai(name: str, seconds: float) -> bool:
    """Whether instances with another address, protocol or model have used theirs in the last `seconds`.

    Reads the names of all keys in Redis. Raises RedisError.
    """
    own = f"bff:breaker:{name}:{guarded_by(name).target}"
    client = breaker_redis.client
    others = (key for key in client.scan_iter(f"bff:breaker:{name}:*", count=1000) if key.decode() != own)
    return any(client.pttl(key) > milliseconds(RETENTION_SECONDS - seconds) for key in others)


def apply(verb: Verb, name: str, *, who: str, reason: str, seconds: float | None = None) -> None:
    """Force a breaker open or closed for some seconds or, without, until its reset; or reset it.

    Raises StoreUnavailable when Redis is unavailable; then nothing has changed.
    """
    breaker = get(name)
    if verb == "reset":
        breaker.reset(who=who, reason=reason)
    else:
        breaker.force("open" if verb == "open" else "closed", who=who, reason=reason, seconds=seconds)


def of(ai: AIService, operation: Operation) -> Breaker:
    """This process' breaker of these calls. Another AI begins with a closed circuit."""
    with _build_lock:  # two breakers of one name would each count half of the calls while Redis is unavailable
        return _build(ai.breaker_name(operation), ai.target, operation)


def _guarded_calls() -> dict[str, tuple[AIService, Operation]]:
    """The service and the operation that each breaker guards, by its name."""
    return {
        ai.breaker_name(operation): (ai, operation) for ai in service.configured() for operation in get_args(Operation)
    }


@cache
def _build(name: str, target: str, operation: Operation) -> Breaker:
    metrics.BREAKER_REJECTIONS.labels(name)  # at zero: increase() does not see the first event of a series it creates
    policy = _policy(operation)
    shared = RedisStore(name, policy, lambda: breaker_redis.client, target=target)
    store = Failover(shared, MemoryStore(name, policy), breaker_redis.outage)
    return Breaker(name, policy, store, on_transition=partial(_record_transition, name))


def refresh_metrics() -> None:
    """Set the state metric of each breaker, for a scrape: any instance may have changed the state."""
    for name in names():
        metrics.BREAKER_STATE.labels(name).set(STATE_VALUES[get(name).snapshot().state])


def _policy(operation: Operation) -> Policy:
    deadline = {"chat": settings.AI_DEADLINE_CHAT, "analyze": settings.AI_DEADLINE_ANALYZE}[operation]
    slow_call: float = settings.BREAKER_SLOW_CALL_SECONDS
    if operation == "analyze":  # the first words of a document may take as long as a read
        slow_call = max(slow_call, settings.AI_READ_TIMEOUT_ANALYZE)
    return Policy(
        failure_threshold=settings.BREAKER_FAILURE_THRESHOLD,
        window=settings.BREAKER_WINDOW_SECONDS,
        min_calls=settings.BREAKER_MIN_CALLS,
        failure_rate=settings.BREAKER_FAILURE_RATE,
        slow_call=slow_call,
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
