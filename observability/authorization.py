"""The `Authorization` header of a request."""

from __future__ import annotations

from django.http import HttpRequest


def credentials_of(request: HttpRequest) -> tuple[str, str]:
    """The scheme in lower case, and the token. Both are empty without the header."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower(), token.strip()
