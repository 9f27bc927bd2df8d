"""The optional fields of a request that a service accepts, learned from its refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from chat.upstream.http.transport import StatusError
from chat.upstream.request import LENGTH_LIMITS, OPTIONS, UpstreamRequest

Response = TypeVar("Response")


class AcceptedOptions:
    """Sends requests to one service with the OPTIONS that it accepts. What it accepted first is remembered.

    `refused` are those that are not sent.
    """

    def __init__(self) -> None:
        self.refused: frozenset[str] = frozenset()
        self._is_known = False

    def send(self, request: UpstreamRequest, post: Callable[[bytes], Response]) -> Response:
        """Post the request's body; again without what a refusal names, or without all options if it names none.

        After a refusal for the length of the model's context, this one request is sent again without a length limit.
        """
        if request.body_without is None:
            return post(request.body)
        refused = self.refused
        body = request.body_without(refused) if refused else request.body
        while True:
            try:
                response = post(body)
            except StatusError as error:
                if error.cause == "context":  # the answer's length may have no room beside this one prompt
                    without_limit = request.body_without(refused.union(LENGTH_LIMITS))
                    if without_limit == body or not error.may_be_about_options:
                        raise
                    return post(without_limit)
                refused_body = body
                while body == refused_body:
                    refused = self._refused_after(error, refused)
                    body = request.body_without(refused)
            else:
                if not self._is_known:
                    self.refused, self._is_known = refused, True
                return response

    def _refused_after(self, error: StatusError, refused: frozenset[str]) -> frozenset[str]:
        """What to leave out after the refusal of a request sent without `refused`. Raises it if it is final."""
        left = [option for option in OPTIONS if option not in refused]
        if not left or not error.may_be_about_options or (self._is_known and self.refused <= refused):
            raise error
        if self._is_known:  # another thread has learned it since
            return refused | self.refused
        named = [option for option in left if option in error.options_named]
        return refused | frozenset(named[:1] or left)
