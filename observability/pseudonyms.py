"""Pseudonyms for keys and fields in Redis, which must reveal no caller, address or text."""

from __future__ import annotations

from django.utils.crypto import salted_hmac


def pseudonym(purpose: str, *parts: str) -> str:
    """32 hex digits: a digest of the parts with SECRET_KEY. The same parts have another one for each purpose."""
    return salted_hmac(purpose, "\0".join(parts), algorithm="sha256").hexdigest()[:32]
