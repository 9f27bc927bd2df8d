"""Verifies Supabase access tokens: HS256 with the project's secret, RS256 and ES256 with the project's public keys.

The configuration limits the algorithms, so that a token can't present a public key as an HS256 secret.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jwt
from django.conf import settings

from bff.identity.jwks import PublishedKeys

LEEWAY_SECONDS = 10
# Of people who have signed in, anonymously or not. Others – anon, service_role – belong to programs.
ROLE = "authenticated"
# Supabase's `sub` is a UUID. It is stored as the owner of rows and logged.
SUBJECT_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:|-]{0,79}", re.ASCII)
# Prefixes of visitors and API keys: no token may claim one of their ids.
RESERVED_PREFIXES = ("visitor-", "key-")
# A token is sent with each request for an hour. The cache takes at most 2 MB per worker.
MAX_CACHED_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """The result of verifying a token's signature and claims with `key`. Times are Unix seconds."""

    subject: str
    algorithm: str
    key_id: str
    key: Any = field(repr=False)
    verified_at: float
    expires: int

    @property
    def is_current(self) -> bool:
        """Whether the token has not expired, and the clock was not set back since it was verified."""
        return self.verified_at <= time.time() < self.expires


class TokenVerifier:
    """Returns the subject of a token. One instance per process, which holds the project's keys.

    Verifying costs 100 µs of CPU, so that verified tokens are cached by their SHA-256 until they expire. The key is
    looked up on each call, also for cached tokens: after a key is rotated or removed, its tokens are verified anew.
    """

    def __init__(self) -> None:
        self._verified: dict[bytes, VerifiedToken] = {}
        self._lock = threading.Lock()

    @cached_property
    def keys(self) -> PublishedKeys:
        return PublishedKeys(f"{settings.SUPABASE_URL}/auth/v1/.well-known/jwks.json")

    def subject(self, token: str) -> str:
        """The `sub` of a valid token. Raises jwt.PyJWTError, or KeysUnavailable if the keys can't be fetched."""
        digest = hashlib.sha256(token.encode()).digest()
        cached = self._verified.get(digest)
        if cached is not None and cached.is_current:
            key, _ = self._key(cached.algorithm, cached.key_id)
            if key is cached.key:
                return cached.subject
        verified = self._verify(token)
        self._put(digest, verified)
        return verified.subject

    def _verify(self, token: str) -> VerifiedToken:
        header = jwt.get_unverified_header(token)
        algorithm, key_id = header.get("alg"), str(header.get("kid"))
        key, algorithms = self._key(algorithm, key_id)
        claims = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            audience="authenticated",
            issuer=_issuer(),
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "sub", "aud"]},
        )
        if claims.get("role") != ROLE:
            raise jwt.InvalidTokenError("role not accepted")
        subject = str(claims["sub"])
        if not SUBJECT_PATTERN.fullmatch(subject) or subject.startswith(RESERVED_PREFIXES):
            raise jwt.InvalidTokenError("subject not accepted")
        return VerifiedToken(subject, str(algorithm), key_id, key, time.time(), int(claims["exp"]))

    def _key(self, algorithm: object, key_id: str) -> tuple[Any, list[str]]:
        if algorithm == "HS256" and settings.SUPABASE_JWT_SECRET:
            return settings.SUPABASE_JWT_SECRET, ["HS256"]
        if algorithm in ("RS256", "ES256") and settings.SUPABASE_URL:
            key = self.keys.find(key_id)
            return key, [key.algorithm_name]  # a key has one algorithm, whatever the header says
        raise jwt.InvalidAlgorithmError("algorithm not accepted")

    def _put(self, digest: bytes, token: VerifiedToken) -> None:
        """Cache a verified token; a full cache evicts its oldest. Invalid tokens get no entry and so evict nothing."""
        with self._lock:
            self._verified.pop(digest, None)
            if len(self._verified) >= MAX_CACHED_TOKENS:
                del self._verified[next(iter(self._verified))]
            self._verified[digest] = token


def _issuer() -> str | None:
    """The `iss` that tokens must have; None if no setting gives it. Custom domains and self-hosting set their own."""
    if settings.SUPABASE_JWT_ISSUER:
        return str(settings.SUPABASE_JWT_ISSUER)
    return f"{settings.SUPABASE_URL}/auth/v1" if settings.SUPABASE_URL else None
