"""The release before this one and this one side by side, as during a rolling update, on one Redis and PostgreSQL."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

import pytest
from django_redis import get_redis_connection

from tests.support.polling import eventually
from tests.support.processes import ROOT, WebInstance
from tests.support.requirements import skip_or_fail
from tests.support.server import Server
from tests.support.sse import parse_parts, read_start, text_of

pytestmark = pytest.mark.django_db(transaction=True)

# The commit that added this file stands for the release before the first one: from it on, keys and formats in Redis are
# compatible.
FIRST_COMPATIBLE = "observability/redis_cluster.py"
BOTH_WAYS = pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)], ids=["old to new", "new to old"])


class EarlierServer(Server):
    def __init__(self, folder: Path) -> None:
        self.program = folder
        super().__init__()

    def start(self, env: Mapping[str, str]) -> WebInstance:
        return WebInstance(env, self.log, self.program)


def git(*arguments: str) -> str:
    call = ["git", *arguments]
    return subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest.fixture(scope="module")
def earlier_release(tmp_path_factory) -> Iterator[Path]:
    """The files of the newest tag before this commit, else of the first compatible commit."""
    folder = tmp_path_factory.mktemp("releases") / "earlier"
    try:
        tags = git("tag", "--merged", "HEAD~1", "--sort=-creatordate", "v*").split()
        added = git("log", "--diff-filter=A", "--format=%H", "--", FIRST_COMPATIBLE).split()
        git("worktree", "add", "--detach", str(folder), tags[0] if tags else added[-1])
    except (subprocess.CalledProcessError, FileNotFoundError, IndexError):
        skip_or_fail("the history of this repository is missing: clone it whole")
    yield folder
    git("worktree", "remove", "--force", str(folder))


@pytest.fixture
def both(earlier_release: Path, ai, few_entries) -> Iterator[tuple[Server, Server]]:
    """An instance of the earlier release and one of this."""
    servers = EarlierServer(earlier_release), Server()
    yield servers
    for server in servers:
        server.stop()


@BOTH_WAYS
def test_an_answer_that_one_release_caches_is_read_by_the_other(both, order):
    """Their keys differ if their prompts or articles do: then the value is copied to the key that the other reads."""
    first, second = both[order]
    question, redis = "Comment demander l'AEEH ?", get_redis_connection("default")
    assert second.ask(question).json()["origin"] == "ai"
    [key] = redis.keys("bff:answer:*")
    redis.delete(key)
    answer = first.ask(question)
    [stored] = redis.keys("bff:answer:*")
    if stored != key:
        redis.copy(stored, key)
    cached = second.ask(question)
    assert (answer.json()["origin"], cached.headers["X-Cache"]) == ("ai", "HIT")
    assert cached.json()["response"] == answer.json()["response"]


@BOTH_WAYS
def test_an_answer_that_one_release_writes_is_read_and_stopped_at_the_other(both, order, ai):
    first, second = both[order]
    ai.pace(20)
    visitor = first.visitor()
    question = {"message": "Comment demander la PCH ?"}
    with visitor.post(f"{first.url}/api/chat/stream", json=question, stream=True) as stream:
        lines = stream.iter_lines()
        conversation, _ = read_start(lines)
        path = f"{second.url}/api/chat/{conversation}"
        with visitor.get(f"{path}/stream", stream=True) as resumed:
            there = resumed.iter_lines()
            read_start(there)
            assert visitor.post(f"{path}/stop", json={}).json() == {"stopped": True}
            text_there = text_of(parse_parts(there))
        text_here = text_of(parse_parts(lines))
    assert text_here
    assert text_there
    assert text_here.startswith(text_there) or text_there.startswith(text_here)


@BOTH_WAYS
def test_a_breaker_that_one_release_opens_is_open_for_the_other(both, order, ai):
    first, second = both[order]
    ai.fail("rate_limited")
    numbers = count()
    eventually(lambda: first.ask(f"Question {next(numbers)} ?").headers.get("X-Degraded") == "circuit_open", seconds=30)
    calls = ai.calls
    assert second.ask("Une autre question ?").headers["X-Degraded"] == "circuit_open"
    assert ai.calls == calls
