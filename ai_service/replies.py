"""Replies and request parsing of both protocols."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from ai_service.ledger import Operation


@dataclass(frozen=True, slots=True)
class CompleteReply:
    """An AI answer sent in one piece, after the time that `tokens` take at the current pace."""

    operation: Operation
    body: bytes
    tokens: int


@dataclass(frozen=True, slots=True)
class StreamReply:
    """An AI answer as server-sent events: `opening`, one frame per token at the current pace, `closing`."""

    operation: Operation
    opening: bytes
    frames: Iterator[bytes]
    closing: bytes


@dataclass(frozen=True, slots=True)
class ImmediateReply:
    """An HTTP response without a pace: an error, or anything that is not an AI answer."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


Reply = CompleteReply | StreamReply | ImmediateReply


class BadRequest(ValueError):
    """The request is invalid: the message says why, `param` names the field."""

    def __init__(self, message: str, param: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.param = param
        self.status = status

    @property
    def reply(self) -> ImmediateReply:
        return ImmediateReply(self.status, error_body(str(self), "invalid_request_error", param=self.param))


def error_body(message: str, kind: str, *, param: str | None = None, code: str | None = None) -> bytes:
    """OpenAI's error object, used by both protocols."""
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})


def json_object(body: bytes) -> dict[str, Any]:
    """Parse a body. Raises BadRequest if it is not a JSON object."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest("The body is not JSON.") from None
    if not isinstance(data, dict):
        raise BadRequest("The body must be a JSON object.")
    return data


def tokens_of(text: str) -> list[str]:
    """Split a text into words, each with the space that follows it: an approximation of a model's tokens."""
    return re.findall(r"\S+\s*", text)
