"""Rate limits per caller and per network: counted in Redis for the fleet, in process memory during an outage.

Fixed windows; `limits` parses the rates and counts in memory. All counts of a request are one Redis trip.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import limits
from limits.storage import MemoryStorage, Storage

from observability import unexpected_errors
from observability.caller import Caller
from observability.pseudonyms import pseudonym
from observability.redis_trips import Command, Script
from observability.shared_redis import SharedRedis

Result = TypeVar("Result")

CALLERS_PER_ADDRESS = 20  # many families share the address of a school or a hospital

# Counts a request of a window of ARGV[1] seconds. Returns the count and the seconds left.
_count = Script("""
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('TTL', KEYS[1])}
""")


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """The state of a limit after a request; `remaining` below zero: exceeded. `window` and `reset` in seconds."""

    policy: str
    limit: int
    window: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """`RateLimit-*` headers as in the IETF draft since version 8, and as before it for older clients."""
        remaining = max(self.remaining, 0)
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.limit};w={self.window}',
            "RateLimit": f'"{self.policy}";r={remaining};t={self.reset}',
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(remaining),
            "RateLimit-Reset": str(self.reset),
        }


class Rate(NamedTuple):
    """So many requests within a window of so many seconds."""

    amount: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """The rate of a text such as `20/minute`. Raises ValueError."""
        item = limits.parse(text)
        return cls(item.amount, item.get_expiry())


class Counted(NamedTuple):
    """A name whose requests are counted under a policy, and its limit."""

    policy: str
    limit: Rate
    name: str

    @property
    def key(self) -> str:
        """Keys in Redis must not reveal callers or addresses."""
        rate = f"{self.limit.amount}/{self.limit.seconds}"
        return f"bff:limit:{self.policy}:{rate}:{pseudonym('bff.ratelimit', self.name)}"

    @property
    def command(self) -> Command:
        """Counts one request; the arguments of `state` are its reply."""
        return _count([self.key], self.limit.seconds)

    def state(self, count: int, seconds_left: float) -> RateLimitState:
        amount, window = self.limit
        return RateLimitState(self.policy, amount, window, amount - count, max(1, round(seconds_left)))


class Counters:
    """Counters of fixed windows."""

    def __init__(self) -> None:
        self.shared = SharedRedis("default")

    @cached_property
    def local(self) -> Storage:
        """Created on first use: it starts a thread, which must not exist before the workers are forked."""
        return MemoryStorage()

    def hit(self, *counted: Counted) -> list[RateLimitState]:
        """Count a request of each name. Never fails: without Redis each process counts on its own."""
        return self.in_redis_or_here(lambda: self._hit_shared(counted), lambda: list(map(self.hit_local, counted)))

    def in_redis_or_here(self, in_redis: Callable[[], Result | None], here: Callable[[], Result]) -> Result:
        """The result of counting in Redis, or of counting in this process alone if that is None, or fails."""
        try:
            result = in_redis()
        except Exception:  # noqa: BLE001 - reported
            unexpected_errors.report("ratelimit")
            result = None
        return here() if result is None else result

    def _hit_shared(self, counted: Sequence[Counted]) -> list[RateLimitState] | None:
        replies = self.shared.send(*(each.command for each in counted))
        return replies and [each.state(*reply) for each, reply in zip(counted, replies, strict=True)]

    def hit_local(self, counted: Counted) -> RateLimitState:
        """Count in this process alone."""
        count = self.local.incr(counted.key, counted.limit.seconds)
        return counted.state(count, self.local.get_expiry(counted.key) - time.time())


class CallerLimit:
    """The limit of a caller, and its multiples for the networks that many callers share.

    Visitors can delete their cookie and some projects allow any sign-up, so that networks are counted as well; not for
    API keys, which the operator issues.
    """

    def __init__(self, policy: str, rate: Rate) -> None:
        self._policy = policy
        self._rate = rate

    def counted(self, caller: Caller) -> list[Counted]:
        """The names under which a caller's request is counted."""
        counted = [Counted(self._policy, self._rate, caller.id)]
        if caller.kind != "key":
            amount, seconds = self._rate
            networks = caller.limits_by_network(CALLERS_PER_ADDRESS * amount)
            counted += [Counted(self._policy, Rate(limit, seconds), network) for network, limit in networks]
        return counted
