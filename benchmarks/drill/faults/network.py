"""The network before Redis, PostgreSQL or the AI is slow, or forgets idle connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from benchmarks.drill.environment import Environment
from benchmarks.drill.faults.base import DrillContext, Fault
from tests.support.processes import HOST
from tests.support.tcp_proxy import TcpProxy


def _network_fault(
    name: str,
    description: str,
    service: Callable[[Environment], int | str],
    settings_at: Callable[[int], Mapping[str, str]],
    begin: Callable[[TcpProxy], None],
    **own: Any,
) -> Fault:
    """A proxy stands before the service; `begin` spoils it. `settings_at` its port lead the instances there."""
    proxies: list[TcpProxy] = []

    @contextmanager
    def stand_between(environment: Environment) -> Iterator[Mapping[str, str]]:
        with closing(TcpProxy(service(environment))) as proxy:
            proxies[:] = [proxy]
            yield settings_at(proxy.port)

    @contextmanager
    def inject(context: DrillContext) -> Iterator[None]:
        begin(proxies[0])
        yield
        proxies[0].delay, proxies[0].dead_after = 0.0, None

    return Fault(name, description, inject, settings=stand_between, **own)


def _delay(seconds: float) -> Callable[[TcpProxy], None]:
    def begin(proxy: TcpProxy) -> None:
        proxy.delay = seconds

    return begin


def _drop_idle_connections(proxy: TcpProxy) -> None:
    proxy.dead_after = 2.0


def _redis_at(port: int) -> Mapping[str, str]:
    address = f"redis://{HOST}:{port}/0"
    return {"REDIS_URL": address, "BREAKER_REDIS_URL": f"{address}?client_name=breaker"}


FAULTS = (
    _network_fault(
        "redis-80ms",
        "each answer of Redis takes 80 ms more",
        lambda environment: environment.redis.port,
        _redis_at,
        _delay(0.08),
        is_only_slow=True,
    ),
    _network_fault(
        "redis-300ms",
        "each answer of Redis takes 300 ms more",
        lambda environment: environment.redis.port,
        _redis_at,
        _delay(0.3),
    ),
    _network_fault(
        "postgres-80ms",
        "each answer of PostgreSQL takes 80 ms more",
        lambda environment: environment.postgres_socket,
        lambda port: {"DATABASE_URL": f"postgresql://postgres:@{HOST}:{port}/postgres"},
        _delay(0.08),
        is_only_slow=True,
    ),
    _network_fault(
        "ai-stale-connections",
        "connections to the AI carry nothing any more after two idle seconds",
        lambda environment: environment.ai_port,
        lambda port: {"AI_SERVICE_URL": f"http://{HOST}:{port}"},
        _drop_idle_connections,
        rates=(0.5,),
        seconds=20,
    ),
)
