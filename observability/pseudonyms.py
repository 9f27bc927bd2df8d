"""Pseudonyms for keys and fields in Redis, which must reveal no caller, address or text."""

from __future__ import annotations

from functools import lru_cache

from django.utils.crypto import salted_hmac


@lru_cache(maxsize=4096)  # the same callers and networks come again and again
def pseudonym(purpose: str, *parts: str) -> str:
    """32 hex digits: a digest of the parts with SECRET_KEY. The same parts have another one for each purpose."""
    return salted_hmac(purpose, "\0".join(parts), algorithm="sha256").hexdigest()[:32]
