"""Hashes passwords outside the event loop, one at a time in each worker."""

from __future__ import annotations

from functools import cache

from django.contrib.auth import hashers
from gevent import monkey
from gevent.threadpool import ThreadPool


class PBKDF2PasswordHasher(hashers.PBKDF2PasswordHasher):
    """Django's hasher. It computes for a third of a second, in which a gevent worker would process no other request.

    PBKDF2 releases the interpreter's lock, so that a thread of the operating system doesn't hold up the others. It is
    as fast here as Argon2 at equal strength, and needs no other package.
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        if not monkey.is_module_patched("threading"):
            return super().encode(password, salt, iterations)
        encoded: str = _pool().apply(super().encode, (password, salt, iterations))
        return encoded


@cache  # created on first use, after the workers are forked
def _pool() -> ThreadPool:
    return ThreadPool(1)
