"""One circuit in many processes: what all of them trigger at the same time happens once."""

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
from tests.support.breakers import POLICY, fail, redis_breaker

PROCESSES = 16
ROUNDS = 100
# Open for a moment only; a probe holds its lease for the whole test.
QUICK = replace(POLICY, open_for=0.001, probe_lease=600)

T = TypeVar("T")

barrier: Barrier  # set in each worker


def breaker_of(name: str, policy: Policy = QUICK, notified: list[Transition] | None = None) -> Breaker:
    return redis_breaker(name, policy, on_transition=None if notified is None else notified.append)


def start_worker(shared_barrier: Barrier) -> None:
    global barrier  # noqa: PLW0603 – a process pool passes objects to its workers this way
    barrier = shared_barrier


def acquire_probes(names: list[str]) -> tuple[list[int], int]:
    """Acquire each breaker at the same time as all other workers.

    Returns 1 for each probe this worker got, else 0, and the number of transitions it was notified of.
    """
    notified: list[Transition] = []
    admitted = []
    for name in names:
        breaker = breaker_of(name, notified=notified)
        barrier.wait(30)
        admitted.append(int(_is_admitted(breaker)))
    return admitted, len(notified)


def fail_concurrently(name: str) -> list[Transition]:
    """Run a call at the same time as all other workers, then let it fail."""
    notified: list[Transition] = []
    permit = breaker_of(name, notified=notified).acquire()
    barrier.wait(30)
    permit.failure("http_503")
    return notified


def open_in_this_process(name: str) -> int:
    fail(breaker_of(name, POLICY), 5)
    return os.getpid()


def _is_admitted(breaker: Breaker) -> bool:
    try:
        return breaker.acquire().is_probe
    except CircuitOpen:
        return False


@pytest.fixture(scope="module")
def run_in_all() -> Iterator[Callable[[Callable[..., T], object], list[T]]]:
    """Runs a function in sixteen processes at the same time; returns all results."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    barrier = context.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, context, start_worker, (barrier,)) as pool:
        yield lambda function, argument: list(pool.map(function, [argument] * PROCESSES))


def test_exactly_one_of_sixteen_processes_probes_in_each_of_a_hundred_rounds(run_in_all: Callable[..., list]) -> None:
    names = [f"test-{uuid.uuid4()}" for _ in range(ROUNDS)]
    for name in names:
        fail(breaker_of(name), 5)
    results = run_in_all(acquire_probes, names)
    probes_each_round = [sum(admitted) for admitted in zip(*(admitted for admitted, _ in results), strict=True)]
    assert probes_each_round == [1] * ROUNDS
    assert sum(notified for _, notified in results) == ROUNDS


def test_sixteen_processes_open_a_circuit_together_and_one_is_notified(run_in_all: Callable[..., list]) -> None:
    name = f"test-{uuid.uuid4()}"
    notified = list(chain.from_iterable(run_in_all(fail_concurrently, name)))
    assert [transition.cause for transition in notified] == ["too_many_failures"]
    assert breaker_of(name).snapshot().history == tuple(notified)


def test_a_second_process_refuses_its_first_call() -> None:
    name = f"test-{uuid.uuid4()}"
    breaker = breaker_of(name, POLICY)
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as pool:
        assert pool.submit(open_in_this_process, name).result() != os.getpid()
    with pytest.raises(CircuitOpen):
        breaker.acquire()
