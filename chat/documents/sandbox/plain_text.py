"""Text files."""

from __future__ import annotations

from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.outcome import Outcome
from chat.documents.text import decode


def read(data: bytes, limits: Limits) -> Outcome:
    """The text, of a long one its beginning."""
    return Outcome(decode(data) or "")
