"""`data:` URLs (RFC 2397), in which clients send a file inside a JSON message."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_to_bytes


def decode(url: str) -> bytes | None:
    """The content of the URL; None if it is no `data:` URL, is damaged or empty."""
    head, comma, data = url.partition(",")
    if not head.lower().startswith("data:") or not comma:
        return None
    content = unquote_to_bytes(data)
    if head.lower().endswith(";base64"):
        try:
            content = base64.b64decode(b"".join(content.split()), validate=True)
        except binascii.Error:
            return None
    return content or None
