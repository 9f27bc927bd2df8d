"""Asks the AI services in their order: the next one when one can't answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from chat.core.events import Event
from chat.upstream.errors import AIMisconfigured, AIUnavailable
from chat.upstream.service import AIService


def ask_in_order(
    services: Sequence[AIService],
    ask: Callable[[AIService], Iterator[Event]],
    may_go_on: Callable[[], bool] = lambda: True,
) -> Iterator[Event]:
    """The events of the first service that answers. Raises the last one's AIError if none does.

    The next one is asked when a service failed before its first words, its circuit is open, or it refuses our settings;
    not when it refuses the request, has begun to answer, when this process has too many calls, or `may_go_on` says no.
    `ask` must keep to one deadline for all.
    """
    for service in services:
        try:
            yield from ask(service)
        except (AIUnavailable, AIMisconfigured) as error:
            if service is services[-1] or error.reason == "overloaded" or not may_go_on():
                raise
        else:
            return
