"""Supabase access tokens: HS256 with the project's secret, or RS256/ES256 with the keys that it publishes.

The algorithm is chosen by our configuration, never by the token alone, so that a public key can't pass as a secret.
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

from bff.token_keys import PublishedKeys

LEEWAY_SECONDS = 10
# What a `sub` may look like; Supabase's are UUIDs. It becomes the owner of rows and a field of log lines.
SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:|-]{0,79}", re.ASCII)
# Those whom we name ourselves: no token may speak for one of them.
OUR_OWN = ("visitor-", "key-")


# A token is shown with each call for an hour. So many are known again at most: 2 MB a worker.
REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Verified:
    """A token whose signature and claims were found good with `key`; times are unix seconds."""

    subject: str
    algorithm: str
    key_id: str
    key: Any = field(repr=False)
    at: float
    expires: int

    @property
    def is_in_time(self) -> bool:
        """Of a valid token time changes nothing but that it expires. Not even a clock put back makes it any other."""
        return self.at <= time.time() < self.expires


class TokenVerifier:
    """Tells whose token it is. One for each process: it holds the project's keys.

    Verifying costs 100 µs of CPU. A token that was verified is known again by its SHA-256, until it expires, and for as
    long as the key that verified it is the very one that would be chosen now: keys are asked for each time, as if it
    were new, so that one that was rotated or taken out lapses as late as it always does.
    """

    def __init__(self) -> None:
        self._verified: dict[bytes, Verified] = {}
        self._remembering = threading.Lock()

    @cached_property
    def keys(self) -> PublishedKeys:
        return PublishedKeys(f"{settings.SUPABASE_URL}/auth/v1/.well-known/jwks.json")

    def subject(self, token: str) -> str:
        """The `sub` of a valid token. Raises jwt.PyJWTError, or KeysUnavailable when that can't be told just now."""
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        if known is None or not known.is_in_time or self._key(known.algorithm, known.key_id)[0] is not known.key:
            known = self._verify(token)
            self._remember(digest, known)
        return known.subject

    def _verify(self, token: str) -> Verified:
        header = jwt.get_unverified_header(token)
        algorithm, key_id = header.get("alg"), str(header.get("kid"))
        key, algorithms = self._key(algorithm, key_id)
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
        return Verified(subject, str(algorithm), key_id, key, time.time(), int(claims["exp"]))

    def _key(self, algorithm: object, key_id: str) -> tuple[Any, list[str]]:
        if algorithm == "HS256" and settings.SUPABASE_JWT_SECRET:
            return settings.SUPABASE_JWT_SECRET, ["HS256"]
        if algorithm in ("RS256", "ES256") and settings.SUPABASE_URL:
            key = self.keys.find(key_id)
            return key, [key.algorithm_name]  # a key is good for one algorithm, whatever the header says
        raise jwt.InvalidAlgorithmError("algorithm not accepted")

    def _remember(self, digest: bytes, token: Verified) -> None:
        """In place of the one that was verified first. None but valid tokens get here: nobody can push others out."""
        with self._remembering:
            self._verified.pop(digest, None)
            if len(self._verified) >= REMEMBERED:
                del self._verified[next(iter(self._verified))]
            self._verified[digest] = token
