"""Redis Cluster: the chat over three shards, a shard that dies under load, and slots that move under load."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, NamedTuple

import pytest
import redis
import requests
from django.utils.crypto import get_random_string
from redis import Redis
from redis.crc import key_slot

from chat.upstream import breaker_registry, service
from chat.upstream.breaker.redis import RedisStore
from observability.redis_cluster import ClusterTrips
from observability.redis_trips import Script
from tests.support.factories import new_entry
from tests.support.polling import eventually
from tests.support.redis_cluster import RedisCluster
from tests.support.server import Server
from tests.support.services import HOST
from tests.support.sse import read_start

pytestmark = pytest.mark.django_db(transaction=True)

# Questions in the words of the knowledge base, whose answers are shared.
QUESTIONS = [f"Qu'est-ce que {what} ?" for what in ("l'AEEH", "la PCH", "la MDPH", "une AESH", "le PPS", "la CDAPH")]


@pytest.fixture(autouse=True)
def _one_entry(transactional_db: None) -> None:
    new_entry(*QUESTIONS)


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    cluster = RedisCluster()
    yield cluster
    cluster.stop()


@pytest.fixture
def own_cluster() -> Iterator[RedisCluster]:
    cluster = RedisCluster()
    yield cluster
    cluster.stop()


@pytest.fixture
def instances(cluster: RedisCluster, ai, transactional_db) -> Iterator[tuple[Server, Server]]:
    """Two instances of one worker each on an empty cluster."""
    for master in cluster.masters():
        cluster.client(master).flushall()
    here, there = Server(REDIS_URL=cluster.url), Server(REDIS_URL=cluster.url)
    yield here, there
    here.stop()
    there.stop()


def test_answers_are_cached_for_all_instances_and_spread_over_the_shards(cluster, instances):
    here, there = instances
    assert {here.ask(question).json()["origin"] for question in QUESTIONS} == {"ai"}
    assert {there.ask(question).headers["X-Cache"] for question in QUESTIONS} == {"HIT"}
    eventually(lambda: list(cluster.keys("bff:run:*")))
    assert {key.partition(":")[0] for key in cluster.keys("*")} == {"bff"}
    holders = {cluster.master_of(key).port for key in cluster.keys("bff:answer:*")}
    assert len(holders) > 1
    assert there.get("/readyz").json()["dependencies"]["cache"]["status"] == "healthy"


def test_the_same_question_at_two_instances_is_one_call(instances, ai):
    ai.fail("slow", seconds=1)
    with ThreadPoolExecutor(20) as pool:
        replies = [pool.submit(instances[number % 2].ask, QUESTIONS[0]) for number in range(20)]
        answers = [reply.result().json() for reply in replies]
    assert len({answer["response"] for answer in answers}) == 1
    assert ai.calls == 1


def test_an_answer_is_resumed_and_stopped_on_the_other_instance(instances, ai):
    here, there = instances
    ai.pace(20)
    visitor = here.visitor()
    question = {"message": QUESTIONS[1]}
    with visitor.post(f"{here.url}/api/chat/stream", json=question, stream=True) as first:
        lines = first.iter_lines()
        conversation, _ = read_start(lines)
        path = f"{there.url}/api/chat/{conversation}"
        with visitor.get(f"{path}/stream", stream=True) as resumed:
            lines_there = resumed.iter_lines()
            read_start(lines_there)
            assert visitor.post(f"{path}/stop", json={}).json() == {"stopped": True}
            rest_there = b"".join(lines_there)
        rest = b"".join(lines)
    assert b'"ending":"stopped"' in rest
    assert b'"ending":"stopped"' in rest_there
    assert b"text-delta" in rest_there


def test_deleting_a_persons_data_deletes_it_on_every_shard(cluster, instances):
    here, there = instances
    visitor = here.visitor()
    conversation = None
    for question in ("Mon fils Léo a 7 ans.", "Que puis-je demander ?", "Et pour l'école ?", "Et après ?"):
        body = {"message": question, **({"conversationId": conversation} if conversation else {})}
        reply = visitor.post(f"{here.url}/api/chat/message", json=body).json()
        conversation = reply["conversationId"]
    answers, runs = (set(cluster.keys(f"bff:{kind}:*")) for kind in ("answer", "run"))
    assert len(answers) == len(runs) == 4
    assert visitor.delete(f"{there.url}/api/me").json() == {"deleted": 1}
    assert set(cluster.keys("bff:answer:*")) == set()
    assert set(cluster.keys("bff:run:*")) == set()


def test_a_breaker_that_one_instance_opens_is_open_on_the_other(instances, ai):
    here, there = instances
    ai.fail("rate_limited")
    numbers = count()
    eventually(lambda: here.ask(f"Question {next(numbers)} ?").headers.get("X-Degraded") == "circuit_open", seconds=30)
    calls = ai.calls
    assert there.ask("Une autre question ?").headers["X-Degraded"] == "circuit_open"
    assert ai.calls == calls


def test_limits_are_counted_for_both_instances(cluster, ai, transactional_db):
    servers = [Server(REDIS_URL=cluster.url, RATE_LIMIT_CHAT="3/minute") for _ in range(2)]
    message = {"message": QUESTIONS[2]}
    try:
        visitor = servers[0].visitor()
        paths = [f"{servers[number % 2].url}/api/chat/message" for number in range(6)]
        codes = [visitor.post(path, json=message).status_code for path in paths]
    finally:
        for server in servers:
            server.stop()
    assert codes == [200, 200, 200, 429, 429, 429]


def test_a_script_is_executed_on_the_shard_to_which_its_slot_is_moving(cluster):
    key = f"moving-{get_random_string(8)}"
    script = Script(f"return redis.call('INCR', KEYS[1]) -- {key}")  # which no node has seen
    source = cluster.master_of(key)
    target = next(node for node in cluster.masters() if node is not source)
    slot = key_slot(key.encode())
    cluster.client(target).execute_command("CLUSTER SETSLOT", slot, "IMPORTING", cluster.id_of(source))
    cluster.client(source).execute_command("CLUSTER SETSLOT", slot, "MIGRATING", cluster.id_of(target))
    try:
        trips = ClusterTrips(client_of(cluster))
        assert [trips.send(script([key])) for _ in range(2)] == [[1], [2]]
    finally:
        for node in (target, source):
            cluster.client(node).execute_command("CLUSTER SETSLOT", slot, "STABLE")


class Reply(NamedTuple):
    is_known: bool  # whether the question had been answered before the load
    http: requests.Response


class Load:
    """Threads that send known and new questions until `stop`, each `pause` seconds after its last answer."""

    # As many as a bound of 1 % needs, also where a busy machine answers few while the shards change.
    ENOUGH = 300

    def __init__(self, instance: Server, threads: int = 6, pause: float = 0.02) -> None:
        self._stopped = threading.Event()
        self._pause = pause
        self._pool = ThreadPoolExecutor(threads)
        self._replies: list[Reply] = []
        self._sent = [self._pool.submit(self._ask, instance, number) for number in range(threads)]

    def replies(self) -> list[Reply]:
        """All of them, once there are enough; then the load has ended."""
        eventually(lambda: sum(reply.is_known for reply in self._replies) >= self.ENOUGH or self._has_failed(), 60)
        self.stop()
        return self._replies

    def stop(self) -> None:
        self._stopped.set()
        for sent in self._sent:
            sent.result(60)
        self._pool.shutdown()

    def _has_failed(self) -> bool:
        return any(sent.done() for sent in self._sent)

    def _ask(self, instance: Server, thread: int) -> None:
        for number in count():
            if self._stopped.wait(self._pause):
                break
            is_known = number % 3 != 0
            question = QUESTIONS[number % len(QUESTIONS)] if is_known else f"Et pour la fois {thread} {number} ?"
            self._replies.append(Reply(is_known, instance.ask(question)))


@pytest.fixture
def loaded(own_cluster: RedisCluster, ai, transactional_db) -> Iterator[tuple[Server, Load]]:
    """Two workers that have answered the known questions, under load, with an open breaker for documents."""
    instance = Server(workers=2, REDIS_URL=own_cluster.url)
    for question in QUESTIONS:
        assert instance.ask(question).json()["origin"] == "ai"
    breaker_of(own_cluster).force("open", who="test", reason="test", seconds=None)
    for master in own_cluster.masters():
        Redis(port=master.port).wait(1, 1000)  # its replica has all of it
    load = Load(instance)
    yield instance, load
    load.stop()
    instance.stop()


def breaker_of(cluster: RedisCluster) -> RedisStore:
    client = client_of(cluster)
    return RedisStore(
        "analyze", breaker_registry.get("analyze").policy, lambda: client, target=service.primary().target
    )


def client_of(cluster: RedisCluster) -> Any:
    startup_nodes = [redis.cluster.ClusterNode(HOST, node.port) for node in cluster.nodes]
    return redis.RedisCluster(startup_nodes=startup_nodes)


def is_open(instance: Server) -> bool:
    body = {"document": "Votre droit est ouvert.", "documentType": "mdph", "fileName": "a.txt"}
    reply = requests.post(f"{instance.url}/api/chat/analyze-document", json=body, timeout=30)
    return reply.headers.get("X-Degraded") == "circuit_open"


def assert_all_answered(replies: list[Reply]) -> None:
    assert {(reply.http.status_code, reply.http.json()["degraded"]) for reply in replies} == {(200, None)}
    known = [reply.http.headers["X-Cache"] for reply in replies if reply.is_known]
    assert len([cache for cache in known if cache != "HIT"]) <= len(known) / 100


def test_a_shard_that_dies_costs_no_answer_hardly_a_cached_one_and_no_breakers_state(own_cluster, loaded):
    instance, load = loaded
    victim = own_cluster.master_of(breaker_of(own_cluster).key)
    victim.kill()
    eventually(lambda: len(own_cluster.masters()) == 3, seconds=20)
    eventually(lambda: all(is_open(instance) for _ in range(6)), seconds=10)
    eventually(lambda: instance.get("/readyz").json()["dependencies"]["cache"]["status"] == "healthy", seconds=20)
    assert_all_answered(load.replies())
    assert not any('"Dependency unavailable"' in line for line in instance.lines())


def test_a_shard_that_hangs_costs_no_answer_and_hardly_a_cached_one(own_cluster, loaded):
    instance, load = loaded
    victim = own_cluster.master_of(breaker_of(own_cluster).key)
    victim.freeze()
    others = [node for node in own_cluster.nodes if node is not victim]
    try:
        eventually(lambda: sum(own_cluster.client(node).role()[0] == "master" for node in others) == 3, seconds=20)
        eventually(lambda: all(is_open(instance) for _ in range(6)), seconds=10)
        assert_all_answered(load.replies())
    finally:
        victim.thaw()


def test_slots_that_move_to_another_shard_cost_no_answer_and_hardly_a_cached_one(own_cluster, loaded):
    instance, load = loaded
    source, target, _ = own_cluster.masters()
    own_cluster.move_slots(1500, source, target)
    assert all(is_open(instance) for _ in range(4))
    assert_all_answered(load.replies())
    assert not any('"Dependency unavailable"' in line for line in instance.lines())
