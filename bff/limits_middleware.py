"""Applies the limits of a request before its view: the rates of ratelimit.py, the places of parallel_answers.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from bff import parallel_answers
from bff.http.problems import too_many_requests
from bff.parallel_answers import Limit, Place, Places
from bff.ratelimit import CallerLimit, Counted, Counters, Rate, RateLimitState
from observability.caller import caller_of
from observability.routes import route_of


class LimitsMiddleware:
    """Responds 429 with `Retry-After` above a limit, and adds `RateLimit-*` headers to every response.

    A request is counted, and takes its place among the answers at the same time, in one Redis trip.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.answers = CallerLimit("answers", Rate.parse(settings.RATE_LIMIT_CHAT))
        self.calls = CallerLimit("calls", Rate.parse(settings.RATE_LIMIT_DEFAULT))
        self.counters = Counters()
        self.places = Places(self.counters.shared)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        route = route_of(request)
        if not route.needs_caller or request.method == "OPTIONS":
            return self.get_response(request)
        limit = self.answers if route.answers and request.method == "POST" else self.calls
        states, place = self._count(limit.counted(caller_of(request)), parallel_answers.limits_of(request))
        state = min(states, key=lambda state: state.remaining)
        response = self._respond(request, state, place)
        for name, value in state.headers().items():
            response[name] = value
        return response

    def _respond(self, request: HttpRequest, state: RateLimitState, place: Place | Limit) -> HttpResponseBase:
        if state.remaining < 0:
            if isinstance(place, Place):
                self.places.give_back(place)
            text = format_lazy(_("Too many requests; try again in {seconds} s."), seconds=state.reset)
            return too_many_requests(request, state.reset, text)
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
    ) -> tuple[list[RateLimitState], Place | Limit] | None:
        """None while Redis is unavailable."""
        if self.counters.shared.is_unavailable:
            return None
        place, commands = self.places.wanted(limits)
        replies = self.counters.shared.send(*(each.command for each in counted), *commands)
        if replies is None:
            self.places.withdraw(place)
            return None
        states = [each.state(*reply) for each, reply in zip(counted, replies, strict=False)]
        return states, self.places.taken(place, limits, replies[len(counted) :])
