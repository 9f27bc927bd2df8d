"""Counts what a call to the AI cost in the budget of tokens, however the call ends."""

from __future__ import annotations

from collections.abc import Iterator

from chat.core.events import Event, Finish
from chat.runs import Run
from chat.storage import budgets
from chat.upstream.errors import AIInterrupted
from chat.upstream.request import UpstreamRequest
from chat.upstream.session import EventStream


def counted(call: EventStream, request: UpstreamRequest, run: Run) -> Iterator[Event]:
    """The events of the call, up to its `Finish`. Its tokens are counted, also if it was interrupted or cancelled.

    A call that fails before the first words counts nothing.
    """
    try:
        for event in call:
            if isinstance(event, Finish):
                budgets.spend_tokens(event.usage, request.body, run.events.text)
                yield event
                return
            yield event
    except AIInterrupted:
        budgets.spend_tokens(None, request.body, run.events.text)
        raise
    budgets.spend_tokens(None, request.body, run.events.text)
