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
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext
from django_redis import get_redis_connection
from redis import Redis, RedisError

from bff.http.problems import too_many_requests
from observability import metrics, outage, response_stream, unexpected_errors
from observability.caller import Caller, caller_of
from observability.pseudonyms import pseudonym
from observability.redis_cluster import Trips, trips_of
from observability.redis_trips import Command, Script
from observability.response_stream import ResponseStream
from observability.routes import route_of

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


class NoPlace(Exception):
    """All places under this limit are taken."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit.kind)
        self.limit = limit


class ParallelAnswersMiddleware:
    """Responds 429 with `Retry-After` to whoever has too many answers at the same time.

    A stream's place is free when it has ended. If its reader leaves before, the answer may continue without readers for
    UNREAD_RUN_TIMEOUT_SECONDS, and so long the place stays taken: to open streams and leave them is no way around.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.places = Places()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        limits = list(_limits(caller_of(request))) if _follows_an_answer(request) else []
        if not limits:
            return self.get_response(request)
        try:
            place = self.places.take(limits)
        except NoPlace as refusal:
            metrics.PARALLEL_ANSWERS_REFUSED.labels(refusal.limit.kind).inc()
            return _too_many_answers(request)
        try:
            response = self.get_response(request)
        except BaseException:  # only when the worker is being stopped: Django turns other exceptions into responses
            self.places.give_back(place)
            raise
        if response_stream.is_stream(response):
            response_stream.on_end(response, lambda stream: self._end(place, stream))
        else:
            self.places.give_back(place)
        return response

    def _end(self, place: Place, stream: ResponseStream) -> None:
        if stream.outcome == "client_left":
            self.places.expire(place, settings.UNREAD_RUN_TIMEOUT_SECONDS)
        else:
            self.places.give_back(place)


class Places:
    """The places that are taken."""

    def __init__(self) -> None:
        self.outage = outage.for_redis(settings.CACHES["default"]["LOCATION"], _redis)
        self._lock = threading.RLock()  # the garbage collector may end an abandoned stream while this thread has it
        self._local: Counter[str] = Counter()

    @cached_property
    def shared(self) -> Trips:
        return trips_of(_redis())

    def take(self, limits: Sequence[Limit]) -> Place:
        """A place under each limit. Raises NoPlace if there is none under one of them, and nothing else."""
        if not self.outage.is_active:
            try:
                return self._take_shared(limits)
            except NoPlace:
                raise
            except RedisError as error:
                self.outage.suspect(error)
            except Exception:  # noqa: BLE001 - reported
                unexpected_errors.report("ratelimit")
        return self._take_local(limits)

    def give_back(self, place: Place) -> None:
        """Free a place. Never fails."""
        if place.is_shared:
            self._tell(self.shared.post, [("ZREM", key, place.answer) for key in place.keys])
            return
        with self._lock:
            self._local.subtract(place.keys)
            self._local += Counter()  # drops zeros

    def expire(self, place: Place, seconds: float) -> None:
        """Free a place after this time. One that only this process knows is freed at once."""
        if place.is_shared:
            self._tell(self.shared.send, [_expire([key], place.answer, seconds) for key in place.keys])
        else:
            self.give_back(place)

    def _take_shared(self, limits: Sequence[Limit]) -> Place:
        answer = secrets.token_urlsafe(12)
        place = Place(answer, tuple(limit.key for limit in limits), is_shared=True)
        lease = _lease_seconds()
        replies = self.shared.send(
            *(_take([key], answer, limit.places, lease) for key, limit in zip(place.keys, limits, strict=True))
        )
        if full := [limit for limit, is_taken in zip(limits, replies, strict=True) if not is_taken]:
            self.give_back(place)
            raise NoPlace(full[0])
        return place

    def _take_local(self, limits: Sequence[Limit]) -> Place:
        with self._lock:
            if full := [limit for limit in limits if self._local[limit.key] >= limit.places]:
                raise NoPlace(full[0])
            keys = tuple(limit.key for limit in limits)
            self._local.update(keys)
        return Place("", keys, is_shared=False)

    def _tell(self, carry: Callable[..., object], commands: Sequence[Command]) -> None:
        """Free places in Redis. One that can't be freed expires."""
        if self.outage.is_active:
            return
        try:
            carry(*commands)
        except RedisError as error:
            self.outage.suspect(error)


def _follows_an_answer(request: HttpRequest) -> bool:
    route = route_of(request)
    return route.follows_answer or (route.answers and request.method == "POST")


def _limits(caller: Caller) -> Iterator[Limit]:
    """The limits of a caller. Networks of programs are not limited, since the operator issues API keys."""
    if settings.PARALLEL_ANSWERS_PER_CALLER:
        yield Limit("caller", caller.id, settings.PARALLEL_ANSWERS_PER_CALLER)
    if settings.PARALLEL_ANSWERS_PER_ADDRESS and caller.kind != "key":
        for network, places in caller.limits_by_network(settings.PARALLEL_ANSWERS_PER_ADDRESS):
            yield Limit("address", network, places)


def _lease_seconds() -> int:
    return int(max(settings.AI_DEADLINE_CHAT, settings.AI_DEADLINE_ANALYZE) + MARGIN_SECONDS)


def _redis() -> Redis:
    client: Redis = get_redis_connection("default")
    return client


def _too_many_answers(request: HttpRequest) -> HttpResponseBase:
    with translation.override(translation.get_language_from_request(request)):  # LocaleMiddleware runs further in
        text = gettext("Several answers to you or your network are still being written. Wait until one has ended.")
    return too_many_requests(request, RETRY_AFTER_SECONDS, text, text)
