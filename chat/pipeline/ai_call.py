"""Asks the AI for a run: the services in their order, one call each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

from chat.core.events import STOPPED, Event, Finish
from chat.pipeline import fallbacks
from chat.runs import Run
from chat.storage import budgets
from chat.storage.provenance import GenerationTrace
from chat.upstream import service, session
from chat.upstream.errors import AIInterrupted, AIMisconfigured, AIUnavailable
from chat.upstream.http.cancel_scope import Deadline
from chat.upstream.request import UpstreamRequest
from chat.upstream.service import AIService


def ask_in_order(
    ask_one: Callable[[AIService], Iterator[Event]],
    may_go_on: Callable[[], bool] = lambda: True,
) -> Iterator[Event]:
    """The events of the first configured service that answers. Raises the last one's AIError if none does.

    The next one is asked when a service failed before its first words, its circuit is open, or it refuses our settings;
    not when it refuses the request, has begun to answer, when this process has too many calls, or `may_go_on` says no.
    `ask_one` must keep to one deadline for all.
    """
    services = service.configured()
    for ai in services:
        try:
            yield from ask_one(ai)
        except (AIUnavailable, AIMisconfigured) as error:
            if ai is services[-1] or error.reason == "overloaded" or not may_go_on():
                raise
        else:
            return


def ask(  # noqa: PLR0913 all that one call depends on, each named
    ai: AIService,
    request: UpstreamRequest,
    *,
    run: Run,
    trace: GenerationTrace,
    deadline: Deadline,
    is_background: bool = False,
    push: Callable[[str], object] | None = None,
) -> Iterator[Event]:
    """One AI's events, with a notice before the `Finish` of an incomplete answer. Raises AIError.

    A call that the run cancels ends with STOPPED. What a call cost is counted in the budget of tokens, also if it
    is interrupted, or cancelled during an attempt; one that fails before the first words cost nothing.
    """
    stream = session.get(ai).stream(request, deadline=deadline, is_background=is_background, push=push)
    with closing(stream) as call:
        trace.begin_call(ai.role, ai.model, call.attempts)
        run.on_cancel(call.close)
        try:
            for event in call:
                if isinstance(event, Finish):
                    budgets.spend_tokens(event.usage, request.body, run.events.text)
                    if notice := fallbacks.incomplete_notice(event, request.language):
                        yield notice
                    yield replace(event, degraded=event.degraded or fallbacks.degraded_by_ending(event.ending))
                    return
                yield event
        except AIInterrupted:
            budgets.spend_tokens(None, request.body, run.events.text)
            raise
        if call.attempts and call.attempts[-1].outcome == "client_left":
            budgets.spend_tokens(None, request.body, run.events.text)
    yield STOPPED
