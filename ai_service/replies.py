"""What the two contracts have in common: a request understood or refused, and its answer ready to be sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from ai_service.ledger import Operation


@dataclass(frozen=True, slots=True)
class Plain:
    """An answer in one piece, which takes the time of so many tokens to write."""

    operation: Operation
    body: bytes
    tokens: int


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer as server-sent events: one a token, between what opens and what closes it."""

    operation: Operation
    opening: bytes
    frames: Iterator[bytes]
    closing: bytes


@dataclass(frozen=True, slots=True)
class Instant:
    """An HTTP answer that takes no time to write: a refusal, or anything that is not an AI call."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


Reply = Plain | Stream | Instant


class BadRequest(ValueError):
    """The request can't be understood; the message says why, and `param` where."""

    def __init__(self, message: str, param: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.param = param
        self.status = status

    @property
    def reply(self) -> Instant:
        return Instant(self.status, error_body(str(self), "invalid_request_error", param=self.param))


def error_body(message: str, kind: str, *, param: str | None = None, code: str | None = None) -> bytes:
    """An error in OpenAI's words, used for both contracts."""
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a body holds. Raises BadRequest for anything else."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest("The body is not JSON.") from None
    if not isinstance(data, dict):
        raise BadRequest("The body must be a JSON object.")
    return data


def tokens_of(text: str) -> list[str]:
    """The text cut into words, each with the space that follows: about what a model calls a token."""
    return re.findall(r"\S+\s*", text)
