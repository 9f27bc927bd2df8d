"""JSON that tolerates lone surrogates: half an emoji, for example, from a client or an AI that cuts text in two."""

from __future__ import annotations

import json
from dataclasses import asdict, is_dataclass
from typing import Any

import orjson


def encode(value: Any) -> bytes:
    """Any JSON value as UTF-8; dataclasses become objects, dates and times ISO 8601.

    Lone surrogates, which UTF-8 cannot carry, become question marks.
    """
    try:
        # A copy: orjson's result keeps its write buffer of 64 KB, and request bodies live as long as their answer.
        return bytes(memoryview(orjson.dumps(value)))
    except orjson.JSONEncodeError:
        return json.dumps(value, ensure_ascii=False, default=_plain).encode("utf-8", "replace")


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value.isoformat()
