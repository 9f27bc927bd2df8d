"""The identified caller of a request. `bff.identity` sets it, views and the access log read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, cast

from django.http import HttpRequest

# An IPv6 /48 has so many times the limit of an address or a /64: it may be a whole town's.
WIDE_NETWORK = 5


@dataclass(frozen=True, slots=True)
class Caller:
    """`id` is a token's `sub`, an API key's number or a random visitor number: no personal data.

    `visitor` is the visitor id in the cookie of a signed-in person, from before they signed in. `networks` are the
    client's networks, the narrowest first, for rate limits and fair sharing. They are personal data, so neither logged
    nor stored. `daily_answers` is a program's own budget, None for no limit. `is_new` is a visitor without a valid
    cookie.
    """

    id: str
    kind: Literal["user", "key", "visitor"]
    visitor: str | None = None
    networks: tuple[str, ...] = field(default=(), repr=False)
    daily_answers: int | None = None
    is_new: bool = False

    def limits_by_network(self, per_address: int) -> Iterator[tuple[str, int]]:
        """Each network with its limit."""
        return zip(self.networks, (per_address, WIDE_NETWORK * per_address), strict=False)


class IdentifiedRequest(HttpRequest):
    """A request that has passed the caller middleware. Only for type checking."""

    caller: Caller


def caller_of(request: HttpRequest) -> Caller:
    """The caller; AttributeError on routes whose callers are not identified."""
    return cast("IdentifiedRequest", request).caller


def set_caller(request: HttpRequest, caller: Caller) -> None:
    cast("IdentifiedRequest", request).caller = caller
