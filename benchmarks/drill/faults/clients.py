"""Clients close their connections."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.drill.environment import TOKENS_PER_SECOND
from benchmarks.drill.faults.base import DrillContext, Fault

SLOW_TOKENS_PER_SECOND = 40.0  # an answer outlasts the client that abandons it
ABANDON_INTERVAL_SECONDS = 0.5


@contextmanager
def _clients_vanish(context: DrillContext) -> Iterator[None]:
    finished = threading.Event()

    def abandon_answers() -> None:
        while not finished.wait(ABANDON_INTERVAL_SECONDS):
            context.abandoned.append(context.clients.abandon_longest_answer())

    context.environment.ai.pace(SLOW_TOKENS_PER_SECOND)
    thread = threading.Thread(target=abandon_answers, name="abandon-answers", daemon=True)
    thread.start()
    yield
    finished.set()
    thread.join()
    context.environment.ai.pace(TOKENS_PER_SECOND)


FAULTS = (Fault("clients-vanish", "two clients a second disconnect before their answer", _clients_vanish),)
