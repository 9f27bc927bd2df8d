"""Commands that go to Redis in one write, on connections of redis-py's pool."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from redis import ConnectionPool, Redis, exceptions

from observability import outage, redis_cluster, redis_trips, tracing
from observability.redis_trips import RedisTrips, Script
from tests.support import services
from tests.support.concurrency import run_concurrently
from tests.support.polling import eventually

increment = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")


@pytest.fixture(scope="module")
def server() -> Iterator[services.Process]:
    process = services.start_redis(services.free_port())
    yield process
    process.kill()


@pytest.fixture
def client(server: services.Process) -> Redis:
    client = connect(server)
    client.flushall()
    return client


def connect(server: services.Process, timeout: float = 1.0, max_connections: int = 100, **options: Any) -> Redis:
    """A client with the program's options."""
    options |= {"socket_timeout": timeout, "max_connections": max_connections, "retry": None}
    return Redis(connection_pool=ConnectionPool(host=services.HOST, port=server.port, **options))


@pytest.fixture
def trips(client: Redis) -> RedisTrips:
    return RedisTrips(client)


@pytest.fixture
def nothing_is_flushed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is posted waits for a trip, however long that takes on a busy machine."""
    ended = threading.Event()
    monkeypatch.setattr(redis_trips, "sleep", lambda seconds: ended.wait())
    yield
    ended.set()


def reads(client: Redis) -> int:
    """How often Redis has read from a connection."""
    return int(client.info("stats")["total_reads_processed"])


@pytest.mark.parametrize("is_traced", [False, True])
def test_replies_come_in_the_order_of_the_commands(trips, monkeypatch, is_traced):
    monkeypatch.setattr(tracing, "is_started", lambda: is_traced)
    assert trips.send(("SET", "key", "été"))[0]
    assert trips.send(("GET", "key"), ("GET", "none"), increment(["n"], 3)) == ["été".encode(), None, 3]


def test_commands_go_in_one_trip_on_one_connection(trips, client):
    trips.send(("GET", "key"), increment(["n"], 1))
    connections, before = client.info("stats")["total_connections_received"], reads(client)
    for _ in range(10):
        trips.send(("GET", "key"), ("GET", "other"), increment(["n"], 1))
    assert reads(client) == before + 10 + 1
    assert client.info("stats")["total_connections_received"] == connections


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_traced_process_gets_the_same_replies(server, client, monkeypatch, protocol):
    commands = [
        ("SET", "key", 1, "EX", 60),
        ("EXPIRE", "key", 60),
        ("INCRBYFLOAT", "price", 0.5),
        ("SADD", "members", "one"),
        ("SMEMBERS", "members"),
        ("SPOP", "members", 10),
        ("HSET", "hash", "field", 1),
        ("HGETALL", "hash"),
        ("ZADD", "sorted", 1.5, "member"),
        ("ZRANGE", "sorted", 0, -1, "WITHSCORES"),
        ("XADD", "stream", "1-1", "field", "value"),
        ("XREAD", "COUNT", 5, "BLOCK", 10, "STREAMS", "stream", "0"),
        ("XREAD", "COUNT", 5, "BLOCK", 10, "STREAMS", "stream", "$"),
        ("XREVRANGE", "stream", "+", "-", "COUNT", 1),
        ("EXISTS", "key", "none"),
        increment(["n"], 1),
    ]
    trips, replies = RedisTrips(connect(server, protocol=protocol)), []
    for is_traced in (False, True):
        client.flushdb()
        monkeypatch.setattr(tracing, "is_started", lambda is_traced=is_traced: is_traced)
        replies.append(trips.send(*commands))
        assert [type(part) for part in trips.send(("TIME",))[0]] == [bytes, bytes]
    assert replies[1] == replies[0]


@pytest.mark.parametrize("is_traced", [False, True])
def test_an_error_is_raised_after_all_commands_were_executed(trips, monkeypatch, is_traced):
    monkeypatch.setattr(tracing, "is_started", lambda: is_traced)
    with pytest.raises(exceptions.ResponseError, match="wrong number"):
        trips.send(("SET", "key", 1), ("GET",), ("SET", "other", 2))
    assert trips.send(("GET", "key"), ("GET", "other")) == [b"1", b"2"]


@pytest.mark.parametrize("is_traced", [False, True])
def test_a_script_that_redis_has_lost_is_sent_again(trips, client, monkeypatch, is_traced):
    monkeypatch.setattr(tracing, "is_started", lambda: is_traced)
    for expected in (1, 2):
        client.script_flush()
        assert trips.send(("GET", "none"), increment(["n"], 1), ("GET", "n"))[1] == expected
    before = reads(client)
    assert trips.send(increment(["n"], 1)) == [3]
    assert reads(client) <= before + 2


def test_a_posted_command_is_executed_and_its_reply_belongs_to_nobody_else(trips):
    trips.post(("SET", "posted", 1), ("INCR", "n"))
    trips.post(("INCR", "n"))
    assert trips.send(("GET", "posted"), ("GET", "n")) == [b"1", b"2"]


@pytest.mark.usefixtures("nothing_is_flushed")
def test_a_posted_command_goes_with_the_next_trip(trips, client):
    trips.send(("PING",))
    before = reads(client)
    trips.post(("INCR", "n"), ("INCR", "n"))
    assert trips.send(("GET", "n")) == [b"2"]
    assert reads(client) == before + 2  # the trip's, and that of INFO


def test_a_posted_command_is_executed_soon_if_no_trip_follows(trips, client):
    trips.post(("INCR", "n"))
    eventually(lambda: client.get("n") == b"1")
    trips.post(("INCR", "n"))
    eventually(lambda: client.get("n") == b"2")


def test_to_post_nothing_starts_no_thread(trips):
    eventually(lambda: not is_flushing())
    trips.post()
    assert not is_flushing()


def is_flushing() -> bool:
    return any(thread.name == "redis-posts" for thread in threading.enumerate())


def test_a_posted_script_that_redis_does_not_know_is_sent_again(trips, client):
    client.script_flush()
    trips.post(increment(["n"], 1))
    trips.send(("PING",))
    assert client.get("n") == b"1"


def test_a_process_executes_what_it_has_posted_before_it_ends(server, client):
    program = (
        "from redis import Redis; from observability.redis_trips import RedisTrips; "
        f"RedisTrips(Redis(port={server.port})).post(('SET', 'last', 1))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
    assert client.get("last") == b"1"


@pytest.mark.usefixtures("nothing_is_flushed")
def test_the_error_of_a_posted_command_is_raised_by_the_next_trip(trips):
    trips.send(("SET", "text", "no number"))
    trips.post(("INCR", "text"))
    with pytest.raises(exceptions.ResponseError, match="not an integer"):
        trips.send(("SET", "key", 1))
    assert trips.send(("GET", "key")) == [b"1"]


def test_a_reply_that_came_too_late_is_never_taken_for_another_one(server):
    trips = RedisTrips(connect(server, timeout=0.1))
    trips.send(("SET", "late", "late"), ("SET", "key", "right"))
    server.freeze()
    try:
        with pytest.raises(exceptions.TimeoutError):
            trips.send(("GET", "late"))
    finally:
        server.thaw()
    eventually(partial(is_available, trips))
    assert trips.send(("GET", "key")) == [b"right"]


def is_available(trips: RedisTrips) -> bool:
    try:
        return trips.send(("ECHO", "here")) == [b"here"]
    except (exceptions.ConnectionError, exceptions.TimeoutError):
        return False


def test_connections_that_the_server_closed_are_replaced_unnoticed_after_a_pause(trips, client, monkeypatch):
    run_concurrently(4, lambda: trips.send(("PING",)))
    monkeypatch.setattr(redis_trips, "CHECKED_SECONDS", 0.0)
    client.client_kill_filter(_type="normal", skipme=True)
    trips.post(("INCR", "n"))
    trips.send(("PING",))
    eventually(lambda: client.get("n") == b"1")


def test_after_a_broken_connection_no_other_idle_one_is_used_unchecked(trips, client):
    run_concurrently(4, lambda: trips.send(("EVAL", "for i = 1, 100000 do end", 0)))
    client.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(exceptions.ConnectionError):
        trips.send(("PING",))
    assert run_concurrently(4, lambda: trips.send(("SET", "key", 1))[0]) == [b"OK"] * 4


def test_threads_get_their_own_replies(trips):
    def work() -> bool:
        key = os.urandom(4).hex()
        trips.post(("SET", key, key))
        return all(trips.send(("GET", key), ("ECHO", key)) == [key.encode()] * 2 for _ in range(50))

    assert run_concurrently(8, work) == [True] * 8


def test_a_forked_process_leaves_its_parents_connections_alone(trips):
    trips.send(("SET", "key", "parent"))
    if (child := os.fork()) == 0:
        os._exit(0 if trips.send(("GET", "key")) == [b"parent"] else 1)
    assert trips.send(("GET", "key")) == [b"parent"]
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_no_more_connections_are_opened_than_the_pool_allows(server):
    trips = RedisTrips(connect(server, max_connections=1))
    for _ in range(3):
        assert trips.send(("PING",)) == [b"PONG"]


def test_an_outage_for_want_of_connections_in_the_pool_ends_when_they_are_idle(server):
    client = connect(server, max_connections=2)
    trips, began = RedisTrips(client), threading.Barrier(3)

    def work() -> bool:
        began.wait(5)
        try:
            trips.send(("BLPOP", "nothing", 0.2))
        except exceptions.ConnectionError as error:
            redis_outage.suspect(error)
            return False
        return True

    redis_outage = outage.for_redis("redis://full-pool/0", lambda: trips)
    assert sorted(run_concurrently(3, work)) == [False, True, True]
    eventually(lambda: not redis_outage.is_active)
    redis_cluster.write_everywhere(trips, "key")
    assert trips.send(("EXISTS", "key")) == [1]


def test_an_outage_for_want_of_connections_at_the_server_ends_by_closing_the_idle_ones(server):
    control, others = connect(server), RedisTrips(connect(server))
    usual = int(control.config_get("maxclients")["maxclients"] or 0)
    run_concurrently(4, lambda: others.send(("BLPOP", "nothing", 0.2)))
    gc.collect()  # it closes connections of earlier tests
    control.config_set("maxclients", control.info("clients")["connected_clients"])
    trips = RedisTrips(connect(server))
    redis_outage = outage.for_redis("redis://full-server/0", lambda: trips)
    assert outage.for_redis("redis://full-server/1", lambda: others) is redis_outage
    try:
        with pytest.raises(exceptions.ConnectionError, match="max number of clients") as refused:
            trips.send(("PING",))
        redis_outage.begin(refused.value)
        eventually(lambda: not redis_outage.is_active)
    finally:
        control.config_set("maxclients", usual)


def test_an_outage_of_one_server_leaves_the_connections_to_others_open(server, trips):
    gone = RedisTrips(Redis(host=services.HOST, port=services.free_port()))
    redis_outage = outage.for_redis("redis://gone/0", lambda: gone)
    trips.send(("PING",))
    connections = connect(server)
    before = connections.info("stats")["total_connections_received"]
    assert not redis_outage.check()
    trips.send(("PING",))
    assert connections.info("stats")["total_connections_received"] == before
