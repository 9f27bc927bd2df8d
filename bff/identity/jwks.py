"""The public keys of a Supabase project (JWKS): fetched on first use, refreshed hourly, kept during an outage."""

from __future__ import annotations

import threading
import time

import jwt

from observability import logs

log = logs.get_logger(__name__)


class KeysUnavailable(Exception):
    """The keys can't be fetched, so that a token can be neither accepted nor rejected."""


class PublishedKeys:
    """Fetches the keys on first use, when they are older than MAX_AGE_SECONDS, and when a token has an unknown key id.

    At most one fetch per MIN_FETCH_INTERVAL_SECONDS: tokens with made-up key ids must not cause one request each.
    While one thread fetches, the others use the previous keys.
    """

    MAX_AGE_SECONDS = 3600  # a key that was removed is accepted for this long at most
    MIN_FETCH_INTERVAL_SECONDS = 30  # between two fetches, successful or not
    TIMEOUT_SECONDS = 2

    def __init__(self, address: str) -> None:
        # Filters in front of a project may refuse urllib's own User-Agent.
        headers = {"User-Agent": "chat-bff"}
        self._source = jwt.PyJWKClient(address, cache_jwk_set=False, headers=headers, timeout=self.TIMEOUT_SECONDS)
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._attempted_at: float | None = None
        self._failed = False
        self._fetch_lock = threading.Lock()

    def find(self, kid: str) -> jwt.PyJWK:
        """The key with this id.

        Raises jwt.PyJWKClientError if the project has no such key, KeysUnavailable if the keys can't be fetched: an
        unknown id may belong to a new key, and rejecting its tokens during an outage would sign people out.
        """
        if kid not in self._keys or self._is_expired():
            self._fetch(must_wait=kid not in self._keys)
        if key := self._keys.get(kid):
            return key
        if self._failed or self._fetched_at is None:
            raise KeysUnavailable
        raise jwt.PyJWKClientError("no such key is published")

    def _is_expired(self) -> bool:
        return self._fetched_at is None or time.monotonic() - self._fetched_at > self.MAX_AGE_SECONDS

    def _fetch(self, *, must_wait: bool) -> None:
        """Request the keys, if no recent attempt was made. `must_wait`: wait for a fetch by another thread."""
        if not self._fetch_lock.acquire(blocking=must_wait):
            return
        try:
            if self._attempted_at is None or time.monotonic() - self._attempted_at >= self.MIN_FETCH_INTERVAL_SECONDS:
                self._request_keys()
        finally:
            self._fetch_lock.release()

    def _request_keys(self) -> None:
        try:
            keys = self._source.get_signing_keys()
        except (jwt.PyJWTError, OSError, ValueError) as error:
            self._failed = True
            log.warning("Token keys are not available", code=type(error).__name__)
        else:
            self._keys = {str(key.key_id): key for key in keys}
            self._fetched_at, self._failed = time.monotonic(), False
        self._attempted_at = time.monotonic()
