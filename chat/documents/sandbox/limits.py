"""Resource limits for reading one document."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

MAX_IMAGE_BYTES = 200_000_000  # of a decoded image
USABLE_TIME_SHARE = 0.9  # no page is started after this share of the time: the rest is for returning the text


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds` since `started_at` (monotonic), and `memory_bytes` for each process, tesseract included."""

    seconds: float
    memory_bytes: int
    pages: int
    started_at: float = field(default_factory=time.monotonic)
    depth: int = 0  # nesting level, for a document in another one

    def seconds_left(self) -> float:
        return self.started_at + self.seconds * USABLE_TIME_SHARE - time.monotonic()

    def inside(self, pages: int) -> Limits:
        """The limits for a document in this one: they share the time."""
        return replace(self, depth=self.depth + 1, pages=pages)
