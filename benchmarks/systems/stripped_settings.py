"""bff.settings without the layers named in `BENCH_WITHOUT`."""

from __future__ import annotations

from benchmarks.systems import stripped_app
from bff import redis_caches
from bff.settings import *  # noqa: F403
from bff.settings import CACHES, INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.systems.stripped_app.StrippedApp"]

for layer in stripped_app.removed_layers():
    for part in stripped_app.MIDDLEWARES.get(layer, ()):
        remaining = [name for name in MIDDLEWARE if part not in name]
        assert len(remaining) < len(MIDDLEWARE), f"no middleware is named {part}"
        MIDDLEWARE = remaining
    if layer == "identity":
        MIDDLEWARE = ["benchmarks.systems.stripped_app.FixedCaller", *MIDDLEWARE]
    if layer == stripped_app.BREAKER:  # a port without a listener
        CACHES = CACHES | {"breaker": redis_caches.cache("redis://127.0.0.1:1/0", timeout=0.1, max_connections=8)}
