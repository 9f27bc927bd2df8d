"""The keys that a Supabase project publishes: fetched once, asked for again each hour, kept while it is away."""

from __future__ import annotations

import threading
import time

import jwt

from observability import logs

log = logs.get_logger(__name__)


class KeysUnavailable(Exception):
    """Whether a token is valid can't be told just now."""


class PublishedKeys:
    """Fetched when first needed, then when they have grown old, or when a token names one that isn't among them.

    However often that is: once in PAUSE_SECONDS at most, so that made-up key ids don't become requests to the project.
    While one caller fetches, the others go on with the last keys.
    """

    LIFESPAN_SECONDS = 3600  # a key that was taken out lapses this late at most
    PAUSE_SECONDS = 30  # between two fetches, whether they succeed or not
    TIMEOUT_SECONDS = 2

    def __init__(self, address: str) -> None:
        self._source = jwt.PyJWKClient(address, cache_jwk_set=False, timeout=self.TIMEOUT_SECONDS)
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._failed = False
        self._fetching = threading.Lock()

    def find(self, kid: str) -> jwt.PyJWK:
        """The key of this id. Raises jwt.PyJWKClientError when there is none, KeysUnavailable when that can't be told.

        A key id that we don't know may be tomorrow's key: while the project is away, calling its token wrong would sign
        people out, so the answer is "ask again".
        """
        if kid not in self._keys or self._are_old():
            self._fetch(must_wait=kid not in self._keys)
        if key := self._keys.get(kid):
            return key
        if self._failed or self._fetched_at is None:
            raise KeysUnavailable
        raise jwt.PyJWKClientError("no such key is published")

    def _are_old(self) -> bool:
        return self._fetched_at is None or time.monotonic() - self._fetched_at > self.LIFESPAN_SECONDS

    def _fetch(self, *, must_wait: bool) -> None:
        """Ask the project, unless that was done a moment ago, or somebody else is doing it and we can go on without."""
        if not self._fetching.acquire(blocking=must_wait):
            return
        try:
            if self._asked_at is None or time.monotonic() - self._asked_at >= self.PAUSE_SECONDS:
                self._ask()
        finally:
            self._fetching.release()

    def _ask(self) -> None:
        try:
            keys = self._source.get_signing_keys()
        except (jwt.PyJWTError, OSError, ValueError) as error:
            self._failed = True
            log.warning("Token keys are not available", code=type(error).__name__)
        else:
            self._keys = {str(key.key_id): key for key in keys}
            self._fetched_at, self._failed = time.monotonic(), False
        self._asked_at = time.monotonic()
