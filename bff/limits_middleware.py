"""Applies the limits of a request before its view: the rates of ratelimit.py, the places of parallel_answers.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from limits import parse

from bff import parallel_answers, ratelimit
from bff.http.problems import too_many_requests
from bff.parallel_answers import Limit, Place, Places
from bff.ratelimit import Counted, Counters, RateLimitState
from observability.caller import caller_of
from observability.routes import route_of


class LimitsMiddleware:
    """Responds 429 with `Retry-After` above a limit, and adds `RateLimit-*` headers to every response.

    A request is counted, and takes its place among the answers at the same time, in one Redis trip.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.answers_limit = parse(settings.RATE_LIMIT_CHAT)
        self.calls_limit = parse(settings.RATE_LIMIT_DEFAULT)
        self.counters = Counters()
        self.places = Places(lambda: self.counters.shared, self.counters.outage)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        route = route_of(request)
        if not route.needs_caller or request.method == "OPTIONS":
            return self.get_response(request)
        answers = route.answers and request.method == "POST"
        policy, limit = ("answers", self.answers_limit) if answers else ("calls", self.calls_limit)
        counted = ratelimit.of_caller(caller_of(request), policy, limit)
        states, place = self._count(counted, parallel_answers.limits_of(request))
        state = min(states, key=lambda state: state.remaining)
        response = self._respond(request, state, place)
        for name, value in state.headers().items():
            response[name] = value
        return response

    def _respond(self, request: HttpRequest, state: RateLimitState, place: Place | Limit) -> HttpResponseBase:
        if state.remaining < 0:
            if isinstance(place, Place):
                self.places.give_back(place)
            return too_many_requests(request, state.reset, f"Too many requests; try again in {state.reset} s.")
        if isinstance(place, Limit):
            return parallel_answers.refusal(request, place)
        return self.places.hold(place, partial(self.get_response, request))

    def _count(self, counted: Sequence[Counted], limits: Sequence[Limit]) -> tuple[list[RateLimitState], Place | Limit]:
        """Never fails: without Redis each process counts on its own."""
        return self.counters.in_redis_or_here(
            lambda: self._count_shared(counted, limits),
            lambda: (list(map(self.counters.hit_local, counted)), self.places.take_local(limits)),
        )

    def _count_shared(
        self, counted: Sequence[Counted], limits: Sequence[Limit]
    ) -> tuple[list[RateLimitState], Place | Limit]:
        place, commands = self.places.wanted(limits)
        replies = self.counters.shared.send(*(each.command for each in counted), *commands)
        states = [each.state(*reply) for each, reply in zip(counted, replies, strict=False)]
        return states, self.places.taken(place, limits, replies[len(counted) :])
