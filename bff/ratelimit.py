"""How often one caller, and one address, may call: counted in Redis for the fleet, in memory while it is away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import translation
from django.utils.crypto import salted_hmac
from django_redis import get_redis_connection
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage, Storage
from redis import Redis, RedisError

from bff.pages import is_api, is_chat
from bff.problems import problem
from observability import absence

# What makes an answer and so costs money; everything else only reads.
ANSWERING_PATHS = ("/api/chat/message", "/api/chat/stream", "/api/chat/analyze-document", "/v1/chat/completions")
# A school or a hospital shares one address among many families.
CALLERS_PER_ADDRESS = 20


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a limit; below zero means refused. `window` in seconds, `reset` too, at most."""

    policy: str
    limit: int
    window: int
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """As the IETF's draft has them since its version 8, and, for older clients, as it had them before."""
        remaining = max(self.remaining, 0)
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.limit};w={self.window}',
            "RateLimit": f'"{self.policy}";r={remaining};t={self.reset}',
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(remaining),
            "RateLimit-Reset": str(self.reset),
        }


class RateLimitMiddleware:
    """429 with `Retry-After` above the limit; `RateLimit-*` headers on every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.answering = parse(settings.RATE_LIMIT_CHAT)
        self.reading = parse(settings.RATE_LIMIT_DEFAULT)
        self.counters = Counters()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_chat(request) or request.method == "OPTIONS":
            return self.get_response(request)
        answering = request.path.startswith(ANSWERING_PATHS) or (request.path == "/" and request.method == "POST")
        policy, limit = ("answers", self.answering) if answering else ("calls", self.reading)
        counts = [self.counters.spend(policy, *count) for count in _counts(request, limit)]
        allowance = min(counts, key=lambda allowance: allowance.remaining)
        response = self.get_response(request) if allowance.remaining >= 0 else _refusal(request, allowance)
        for name, value in allowance.headers().items():
            response[name] = value
        return response


class Counters:
    """Fixed windows in the `limits` library's storage: one Redis trip a count."""

    def __init__(self) -> None:
        pool = _redis().connection_pool
        self.shared = RedisStorage("redis://", connection_pool=pool)  # found by the pool, not by the address
        self.absence = absence.of_redis(settings.CACHES["default"]["LOCATION"], _redis)

    @cached_property
    def own(self) -> Storage:
        """Made when it is needed: it starts a thread, and a server's first process begets the others."""
        return MemoryStorage()

    def spend(self, policy: str, limit: RateLimitItem, name: str) -> Allowance:
        """Count one call of `name` under a policy. Never fails: without Redis each process counts for itself."""
        if not self.absence.is_on:
            try:
                return self._spend(self.shared, policy, limit, name)
            except RedisError as error:
                self.absence.begin(error)
        return self._spend(self.own, policy, limit, name)

    @staticmethod
    def _spend(storage: Storage, policy: str, limit: RateLimitItem, name: str) -> Allowance:
        key, window = limit.key_for(policy, _pseudonym(name)), limit.get_expiry()
        remaining = limit.amount - storage.incr(key, window)
        reset = window if remaining >= 0 else max(1, round(storage.get_expiry(key) - time.time()))
        return Allowance(policy, limit.amount, window, remaining, reset)


def _counts(request: HttpRequest, limit: RateLimitItem) -> Iterator[tuple[RateLimitItem, str]]:
    """A person counts alone. A visitor can drop the cookie at will, so the address counts too."""
    caller = request.caller  # type: ignore[attr-defined]
    yield limit, caller.id
    if caller.kind == "visitor":
        yield type(limit)(limit.amount * CALLERS_PER_ADDRESS, limit.multiples), client_address(request)


def _redis() -> Redis:
    client: Redis = get_redis_connection("default")
    return client


def _pseudonym(name: str) -> str:
    """Nobody who reads Redis learns who called, or from where."""
    return salted_hmac("bff.ratelimit", name, algorithm="sha256").hexdigest()[:32]


def client_address(request: HttpRequest) -> str:
    """The address that our own outermost proxy saw; what a client writes further left in the header is hearsay."""
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    if settings.TRUSTED_PROXIES and len(forwarded) >= settings.TRUSTED_PROXIES:
        return forwarded[-settings.TRUSTED_PROXIES].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def _refusal(request: HttpRequest, allowance: Allowance) -> HttpResponseBase:
    if is_api(request):
        response = problem(request, 429, f"Too many requests; try again in {allowance.reset} s.")
    else:
        with translation.override(translation.get_language_from_request(request)):  # its layer stands further in
            response = render(request, "429.html", {"retry_after": allowance.reset}, status=429)
    response["Retry-After"] = str(allowance.reset)
    return response
