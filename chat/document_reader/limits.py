"""How much of everything a document may take."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

CHARACTERS = 200_000  # of text that is handed back: some sixty full pages
PICTURE_BYTES = 200_000_000  # of a picture once it is opened
SPARE = 0.9  # the share of the time after which no page is begun: the text must still be handed over


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds` count from the beginning; memory is of each process, tesseract's too."""

    seconds: float
    memory_bytes: int
    pages: int
    began: float = field(default_factory=time.monotonic)

    def seconds_left(self) -> float:
        return self.began + self.seconds * SPARE - time.monotonic()
