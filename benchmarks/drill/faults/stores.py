"""Redis and PostgreSQL are unavailable, silent or full."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.drill.faults.base import DrillContext, Fault, service_fault


@contextmanager
def _no_connections(context: DrillContext) -> Iterator[None]:
    """Take every connection of the server, those of the instances, too."""
    import psycopg  # noqa: PLC0415 a development dependency

    address = context.environment.postgres.address
    with contextlib.ExitStack() as taken, psycopg.connect(address, autocommit=True) as own:
        pids = {own.info.backend_pid}

        def take_all() -> None:
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    pids.add(taken.enter_context(contextlib.closing(psycopg.connect(address))).info.backend_pid)

        take_all()
        own.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> ALL(%s)", [list(pids)])
        take_all()
        yield


FAULTS = (
    service_fault(
        "redis-killed",
        "Redis is killed; another one starts, empty",
        lambda environment: environment.redis.kill(),
        lambda environment: environment.redis.start(),
    ),
    service_fault(
        "redis-frozen",
        "Redis accepts connections and never answers (SIGSTOP)",
        lambda environment: environment.redis.freeze(),
        lambda environment: environment.redis.thaw(),
    ),
    service_fault(
        "postgres-killed",
        "PostgreSQL is killed, then recovers",
        lambda environment: environment.postgres.kill(),
        lambda environment: environment.postgres.start(),
    ),
    service_fault(
        "postgres-frozen",
        "PostgreSQL stops answering (SIGSTOP)",
        lambda environment: environment.postgres.freeze(),
        lambda environment: environment.postgres.thaw(),
    ),
    Fault("postgres-full", "PostgreSQL has no connection left", _no_connections),
)
