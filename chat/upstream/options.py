"""The optional fields of a request that a service accepts, learned from its refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from chat.upstream.http.transport import StatusError
from chat.upstream.request import OPTIONS, UpstreamRequest

Response = TypeVar("Response")


class AcceptedOptions:
    """Sends requests to one service with the OPTIONS that it accepts. What it accepted first is remembered.

    `refused` are those that are not sent.
    """

    def __init__(self) -> None:
        self.refused: frozenset[str] = frozenset()
        self._is_known = False

    def send(self, request: UpstreamRequest, post: Callable[[bytes], Response]) -> Response:
        """Post the request's body; again without what a refusal names, or without all options if it names none."""
        if request.body_without is None:
            return post(request.body)
        refused = self.refused
        while True:
            try:
                response = post(request.body_without(refused) if refused else request.body)
            except StatusError as error:
                left = [option for option in OPTIONS if option not in refused]
                if self._is_known or not left or not error.may_be_about_options:
                    raise
                named = [option for option in left if option in error.options_named]
                refused |= frozenset(named[:1] or left)
            else:
                self.refused, self._is_known = refused, True
                return response
