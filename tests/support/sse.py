"""Parses server-sent events of our streamed answers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any


def parse_parts(chunks: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The JSON of each event, without pings and the end mark. Each chunk is one or several complete lines."""
    for chunk in chunks:
        for line in chunk.splitlines():
            if line.startswith(b"data: {"):
                yield json.loads(line.removeprefix(b"data: "))


def read_start(chunks: Iterable[bytes]) -> tuple[str, str]:
    """The conversation id and message id of a stream's first event. Does not read further."""
    start = next(parse_parts(chunks))
    return start["messageMetadata"]["conversationId"], start["messageId"]


def text_of(parts: Iterable[dict[str, Any]]) -> str:
    """The text of the answer in the parts of a UI message stream."""
    return "".join(part["delta"] for part in parts if part["type"] == "text-delta")
