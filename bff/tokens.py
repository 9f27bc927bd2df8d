"""Supabase access tokens: HS256 with the project's secret, or RS256/ES256 with the keys that it publishes.

The algorithm is chosen by our configuration, never by the token alone, so that a public key can't pass as a secret.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

import jwt
from django.conf import settings

from bff.token_keys import PublishedKeys

LEEWAY_SECONDS = 10
# What a `sub` may look like; Supabase's are UUIDs. It becomes the owner of rows and a field of log lines.
SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:|-]{0,79}", re.ASCII)
# Those whom we name ourselves: no token may speak for one of them.
OUR_OWN = ("visitor-", "key-")


class TokenVerifier:
    """Tells whose token it is. One for each process: it holds the project's keys."""

    @cached_property
    def keys(self) -> PublishedKeys:
        return PublishedKeys(f"{settings.SUPABASE_URL}/auth/v1/.well-known/jwks.json")

    def subject(self, token: str) -> str:
        """The `sub` of a valid token. Raises jwt.PyJWTError, or KeysUnavailable when that can't be told just now."""
        key, algorithms = self._key_for(token)
        claims = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            audience="authenticated",
            issuer=f"{settings.SUPABASE_URL}/auth/v1" if settings.SUPABASE_URL else None,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "sub", "aud"]},
        )
        subject = str(claims["sub"])
        if not SUBJECT.fullmatch(subject) or subject.startswith(OUR_OWN):
            raise jwt.InvalidTokenError("not a subject that we can keep rows for")
        return subject

    def _key_for(self, token: str) -> tuple[Any, list[str]]:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm == "HS256" and settings.SUPABASE_JWT_SECRET:
            return settings.SUPABASE_JWT_SECRET, ["HS256"]
        if algorithm in ("RS256", "ES256") and settings.SUPABASE_URL:
            key = self.keys.find(str(header.get("kid")))
            return key, [key.algorithm_name]  # a key is good for one algorithm, whatever the header says
        raise jwt.InvalidAlgorithmError("algorithm not accepted")
