"""Our streamed answers as tests hear them: what each server-sent event says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any


def parts_in(pieces: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The JSON of each frame as it comes, without pings and the end mark. Each piece is one whole line or several."""
    for piece in pieces:
        for line in piece.splitlines():
            if line.startswith(b"data: {"):
                yield json.loads(line.removeprefix(b"data: "))


def begun(pieces: Iterable[bytes]) -> tuple[str, str]:
    """The conversation and the message that a stream begins with; the rest is left to be read."""
    start = next(parts_in(pieces))
    return start["messageMetadata"]["conversationId"], start["messageId"]


def text_of(parts: Iterable[dict[str, Any]]) -> str:
    """The words in the parts of a UI message stream."""
    return "".join(part["delta"] for part in parts if part["type"] == "text-delta")
