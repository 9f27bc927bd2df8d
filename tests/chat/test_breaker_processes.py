"""One circuit, many real processes: what all of them do at once happens once."""

from __future__ import annotations

import multiprocessing
import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import chain
from multiprocessing.synchronize import Barrier
from typing import TypeVar

import pytest

from chat.upstream.breaker import Breaker, CircuitOpen, Policy, Transition
from tests.chat.test_breaker import POLICY, fail, redis_client

PROCESSES = 16
ROUNDS = 100
# Open just long enough to be open; a probe's place is kept for the whole test.
QUICK = replace(POLICY, open_for=0.001, probe_lease=600)

T = TypeVar("T")

together: Barrier  # in each worker: waits for all of them


def breaker_of(name: str, policy: Policy = QUICK, told: list[Transition] | None = None) -> Breaker:
    return Breaker(name, policy, redis=redis_client, on_transition=None if told is None else told.append)


def start_worker(barrier: Barrier) -> None:
    global together  # noqa: PLW0603 – how a pool hands something to its workers
    together = barrier


def ask_for_probes(names: list[str]) -> tuple[list[int], int]:
    """All workers ask at the same moment, name by name: where this one was admitted, how many transitions it heard."""
    told: list[Transition] = []
    admitted = []
    for name in names:
        breaker = breaker_of(name, told=told)
        together.wait(30)
        admitted.append(int(_is_admitted(breaker)))
        assert breaker.snapshot().source == "redis"
    return admitted, len(told)


def fail_together(name: str) -> list[Transition]:
    """All workers' calls are under way at once, then all fail."""
    told: list[Transition] = []
    permit = breaker_of(name, told=told).acquire()
    together.wait(30)
    permit.failure("http_503")
    return told


def open_alone(name: str) -> int:
    fail(breaker_of(name, POLICY), 5)
    return os.getpid()


def _is_admitted(breaker: Breaker) -> bool:
    try:
        return breaker.acquire().is_probe
    except CircuitOpen:
        return False


@pytest.fixture(scope="module")
def in_all() -> Iterator[Callable[[Callable[..., T], object], list[T]]]:
    """Runs a function in sixteen processes at the same time; gives all results."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    barrier = context.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, context, start_worker, (barrier,)) as pool:
        yield lambda function, argument: list(pool.map(function, [argument] * PROCESSES))


def test_of_sixteen_processes_exactly_one_probes_a_hundred_times_over(in_all: Callable[..., list]) -> None:
    names = [f"test-{uuid.uuid4()}" for _ in range(ROUNDS)]
    for name in names:
        fail(breaker_of(name), 5)
    results = in_all(ask_for_probes, names)
    probes_each_round = [sum(admitted) for admitted in zip(*(admitted for admitted, _ in results), strict=True)]
    assert probes_each_round == [1] * ROUNDS
    assert sum(told for _, told in results) == ROUNDS


def test_sixteen_processes_open_a_circuit_together_and_one_tells_it(in_all: Callable[..., list]) -> None:
    name = f"test-{uuid.uuid4()}"
    told = list(chain.from_iterable(in_all(fail_together, name)))
    assert [one.cause for one in told] == ["too_many_failures"]
    assert breaker_of(name).snapshot().history == tuple(told)


def test_a_second_process_refuses_at_its_very_first_call() -> None:
    name = f"test-{uuid.uuid4()}"
    breaker = breaker_of(name, POLICY)
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as pool:
        assert pool.submit(open_alone, name).result() != os.getpid()
    with pytest.raises(CircuitOpen):
        breaker.acquire()
