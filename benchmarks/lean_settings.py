"""bff.settings without the layers that `BENCH_WITHOUT` names; all of them when it is empty."""

from __future__ import annotations

from benchmarks import lean
from bff import redis_addresses
from bff.settings import *  # noqa: F403
from bff.settings import CACHES, INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.lean.Lean"]

for layer in lean.left_out():
    for part in lean.MIDDLEWARES.get(layer, ()):
        kept = [name for name in MIDDLEWARE if part not in name]
        assert len(kept) < len(MIDDLEWARE), f"no middleware is named {part}"
        MIDDLEWARE = kept
    if layer == "identity":
        MIDDLEWARE = ["benchmarks.lean.Anybody", *MIDDLEWARE]
    if layer == lean.BREAKER:  # an address where nobody listens
        CACHES = CACHES | {"breaker": redis_addresses.cache("redis://127.0.0.1:1/0", timeout=0.1, max_connections=8)}
