"""One request to an AI service in any protocol, and the errors of one attempt."""

from __future__ import annotations

import json
import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import orjson

from chat.core.events import Event
from chat.core.language import Language

Operation = Literal["chat", "analyze"]
Expected = TypeVar("Expected")

# The names of an answer's length limit: the later is sent to a service that refuses the earlier.
LENGTH_LIMITS = ("max_tokens", "max_completion_tokens")
# The fields that some services refuse.
OPTIONS = ("stream_options", *LENGTH_LIMITS)


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """The body to send, and the decoder of the response.

    `read` turns the response's bytes, in chunks of any size, into events: at least one `Delta`, then one `Finish`. It
    raises ProtocolError for malformed bytes and IncompleteResponse when they end too early. `language` is the user's.
    `body_without` gives the same request without some of the OPTIONS; None if it has none.
    `bearer_token` is the caller's own, sent in place of our key; empty to send our key.
    """

    operation: Operation
    path: str
    body: bytes
    read: Callable[[ResponseBody], Iterator[Event]]
    language: Language
    body_without: Callable[[frozenset[str]], bytes] | None = None
    bearer_token: str = field(default="", repr=False)


class ResponseBody(Iterator[bytes]):
    """The bytes of a response, in chunks of any size.

    Call `expect_end` once the answer is complete: from then on each chunk is waited for END_SECONDS at most, until
    `expect_more` revokes it.
    """

    END_SECONDS = 1.0

    def expect_end(self) -> None:
        self.limit_wait(self.END_SECONDS)

    def expect_more(self) -> None:
        self.limit_wait(math.inf)

    @abstractmethod
    def limit_wait(self, seconds: float) -> None:
        """Wait for each chunk so long at most, and no longer than the read timeout."""


class WrappedBody(ResponseBody):
    """A response whose chunks another iterator yields."""

    def __init__(self, chunks: Iterator[bytes], limit_wait: Callable[[float], object] = lambda seconds: None) -> None:
        self._chunks = chunks
        self._limit_wait = limit_wait

    def __next__(self) -> bytes:
        return next(self._chunks)

    def limit_wait(self, seconds: float) -> None:
        self._limit_wait(seconds)


class CallError(Exception):
    """One attempt failed. `code` is from a closed set, without any content."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ProtocolError(CallError):
    """The response does not follow the protocol."""


class IncompleteResponse(CallError):
    """The response ended without its end marker."""

    def __init__(self) -> None:
        super().__init__("cut")


class AnswerFiltered(CallError):
    """A content filter withheld the whole answer; the breaker counts no failure."""

    def __init__(self) -> None:
        super().__init__("filtered")


def decode(data: bytes) -> dict[str, Any]:
    """Parse a JSON object. Raises ProtocolError for anything else."""
    try:
        return expect(dict, orjson.loads(data))
    except orjson.JSONDecodeError:
        return _decode_leniently(data)


def _decode_leniently(data: bytes) -> dict[str, Any]:
    """Parse JSON that holds invalid UTF-8, half a surrogate pair or NaN, as some services send it."""
    try:
        return expect(dict, json.loads(data.decode("utf-8", "replace"), parse_constant=lambda _: None))
    except (ValueError, RecursionError) as error:
        raise ProtocolError("not_json") from error


def expect(kind: type[Expected], value: object) -> Expected:
    """Return the value if it is of that type. Raises ProtocolError otherwise."""
    if not isinstance(value, kind):
        raise ProtocolError("wrong_type")
    return value
