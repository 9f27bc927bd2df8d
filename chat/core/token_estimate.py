"""An estimate of tokens, where no AI service has counted them."""

from __future__ import annotations

# Models count differently, and French takes more tokens than English. Of UTF-8, so that scripts other than Latin, which
# take more of them, count for more.
BYTES_PER_TOKEN = 3


def estimated_tokens(*texts: str | bytes) -> int:
    """The tokens of these texts together, about."""
    size = sum(len(text.encode("utf-8", "replace") if isinstance(text, str) else text) for text in texts)
    return size // BYTES_PER_TOKEN
