"""One call to the AI, whatever the protocol, and what may go wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import orjson

from chat.events import Event
from chat.questions import Language

Operation = Literal["chat", "analyze"]
Wanted = TypeVar("Wanted")


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is sent, and how the reply is understood.

    `read` turns the reply's bytes, in pieces of any size, into events: at least one `Delta`, then one `Finish`. It
    raises ProtocolError on garbage and CutError when the bytes end too early. `language` is the asking person's.
    """

    operation: Operation
    path: str
    body: bytes
    read: Callable[[Iterator[bytes]], Iterator[Event]]
    language: Language


class CallError(Exception):
    """One attempt went wrong; `code` says how, from a closed set and without any content."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ProtocolError(CallError):
    """The reply came, but is not what was agreed on."""


class CutError(CallError):
    """The reply ended before it had said that it was complete."""

    def __init__(self) -> None:
        super().__init__("cut")


def encode(body: Any) -> bytes:
    """Any value as JSON. Half an emoji, which no UTF-8 can carry, becomes a question mark."""
    try:
        # A copy: what orjson gives keeps its whole writing buffer, 64 KB for 6, and this lives as long as the answer.
        return bytes(memoryview(orjson.dumps(body)))
    except orjson.JSONEncodeError:
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def decode(data: bytes) -> dict[str, Any]:
    """The JSON object that the AI sent. Raises ProtocolError for anything else."""
    try:
        return expect(dict, orjson.loads(data))
    except orjson.JSONDecodeError as error:
        raise ProtocolError("not_json") from error


def expect(kind: type[Wanted], value: object) -> Wanted:
    """The value, if it is of the kind agreed on. Raises ProtocolError otherwise."""
    if not isinstance(value, kind):
        raise ProtocolError("wrong_type")
    return value
