"""Limits how many answers a caller and a network may have at the same time, in the whole fleet.

The rate limits bound how many answers begin in a minute. Each may take half a minute, so one network could still hold
hundreds of streams, and calls to the AI, at once. An answer takes a place in a sorted set of its caller and of each of
its networks; the score is when the place expires, by the clock of Redis, so that a worker that dies holds none for
long. While Redis is unavailable each process counts its own.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Literal, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _
from redis import RedisError

from bff.http.problems import too_many_requests
from observability import metrics, response_stream
from observability.caller import caller_of
from observability.pseudonyms import pseudonym
from observability.redis_trips import Command, Script
from observability.response_stream import ResponseStream
from observability.routes import route_of
from observability.shared_redis import SharedRedis

RETRY_AFTER_SECONDS = 5  # a place is free as soon as any answer ends
# Beyond the AI's deadline, for reading a document and for a slow reader. An answer that takes longer is not counted.
MARGIN_SECONDS = 60

# KEYS: the places of one name; ARGV: the answer, the limit, the lease in seconds. Returns 0 if all places are taken.
_take = Script("""
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
""")
# KEYS: the places of one name; ARGV: the answer, and the seconds after which its place expires.
_expire = Script("""
return redis.call('ZADD', KEYS[1], 'XX', tonumber(redis.call('TIME')[1]) + tonumber(ARGV[2]), ARGV[1])
""")


class Limit(NamedTuple):
    """The most places of one name."""

    kind: Literal["caller", "address"]
    name: str
    places: int

    @property
    def key(self) -> str:
        """Keys in Redis must not reveal callers or addresses."""
        return f"bff:parallel:{pseudonym('bff.parallel_answers', self.kind, self.name)}"


class Place(NamedTuple):
    """An answer's place under each of its limits, in Redis or in this process."""

    answer: str
    keys: tuple[str, ...]
    is_shared: bool


class Places:
    """The places that are taken. `limits_middleware` takes them in Redis, in the trip that counts the request."""

    def __init__(self, shared: SharedRedis) -> None:
        self._shared = shared
        self._lock = threading.RLock()  # the garbage collector may end an abandoned stream while this thread has it
        self._local: Counter[str] = Counter()

    def wanted(self, limits: Sequence[Limit]) -> tuple[Place, list[Command]]:
        """A place under each limit, and the commands that take it in Redis."""
        place = Place(secrets.token_urlsafe(12), tuple(limit.key for limit in limits), is_shared=True)
        lease = _lease_seconds()
        return place, [
            _take([key], place.answer, limit.places, lease) for key, limit in zip(place.keys, limits, strict=True)
        ]

    def taken(self, place: Place, limits: Sequence[Limit], replies: Sequence[int]) -> Place | Limit:
        """The place after these replies, or a limit under which there is none."""
        full = next((limit for limit, is_taken in zip(limits, replies, strict=True) if not is_taken), None)
        if full is None:
            return place
        self.give_back(place)
        return full

    def take_local(self, limits: Sequence[Limit]) -> Place | Limit:
        """The same in this process alone."""
        with self._lock:
            for limit in limits:
                if self._local[limit.key] >= limit.places:
                    return limit
            keys = tuple(limit.key for limit in limits)
            self._local.update(keys)
        return Place("", keys, is_shared=False)

    def hold(self, place: Place, respond: Callable[[], HttpResponseBase]) -> HttpResponseBase:
        """The response. The place is free when it has ended.

        If the reader of a stream that can be resumed leaves before, the answer may continue without readers for
        UNREAD_RUN_TIMEOUT_SECONDS, and so long the place stays taken, so abandoning streams does not evade the limit.
        """
        try:
            response = respond()
        except BaseException:  # only when the worker is being stopped: Django turns other exceptions into responses
            self.give_back(place)
            raise
        if place.keys and response_stream.is_stream(response):
            continues = response_stream.outlives_reader(response)
            response_stream.on_end(response, lambda stream: self._end(place, stream, continues))
        else:
            self.give_back(place)
        return response

    def give_back(self, place: Place) -> None:
        """Free a place. Never fails; one that Redis does not free expires."""
        if not place.is_shared:
            with self._lock:
                self._local.subtract(place.keys)
                self._local += Counter()  # drops zeros
        elif place.keys:
            self._shared.post(*_free(place))

    def withdraw(self, place: Place) -> None:
        """Free a place whose commands have failed: Redis may have executed some, or does so later. Never fails."""
        if not place.keys:
            return
        with suppress(RedisError):  # past the outage, which has begun
            self._shared.trips.post(*_free(place))

    def _end(self, place: Place, stream: ResponseStream, continues: bool) -> None:
        if continues and stream.outcome == "client_left" and place.is_shared:
            seconds = settings.UNREAD_RUN_TIMEOUT_SECONDS
            self._shared.post(*(_expire([key], place.answer, seconds) for key in place.keys))
        else:  # one that only this process knows is free at once
            self.give_back(place)


def _free(place: Place) -> list[Command]:
    """The commands that free a place in Redis."""
    return [("ZREM", key, place.answer) for key in place.keys]


def limits_of(request: HttpRequest) -> list[Limit]:
    """The limits of a request. Networks of programs are not limited, since the operator issues API keys."""
    route = route_of(request)
    if not (route.follows_answer or (route.answers and request.method == "POST")):
        return []
    caller, limits = caller_of(request), []
    if settings.PARALLEL_ANSWERS_PER_CALLER:
        limits.append(Limit("caller", caller.id, settings.PARALLEL_ANSWERS_PER_CALLER))
    if settings.PARALLEL_ANSWERS_PER_ADDRESS and caller.kind != "key":
        networks = caller.limits_by_network(settings.PARALLEL_ANSWERS_PER_ADDRESS)
        limits += [Limit("address", network, places) for network, places in networks]
    return limits


def refusal(request: HttpRequest, limit: Limit) -> HttpResponseBase:
    """The response to a caller or network with too many answers at the same time."""
    metrics.PARALLEL_ANSWERS_REFUSED.labels(limit.kind).inc()
    text = _("Several answers to you or your network are still being written. Wait until one has ended.")
    return too_many_requests(request, RETRY_AFTER_SECONDS, text, explanation=text)


def _lease_seconds() -> int:
    return int(max(settings.AI_DEADLINE_CHAT, settings.AI_DEADLINE_ANALYZE) + MARGIN_SECONDS)
