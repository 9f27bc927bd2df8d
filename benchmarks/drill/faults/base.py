"""A fault is a `with` block: it is in force inside the block and removed at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.drill.clients import Kind, Outcome
from benchmarks.drill.environment import Environment
from benchmarks.drill.load import KINDS, ClientPool

RATE = 5.0  # questions a second
EMPTY: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class DrillContext:
    """`abandoned` collects the questions of clients that left before their answer ended, `breaches` what a hostile
    visitor got and must not get.
    """

    environment: Environment
    clients: ClientPool
    abandoned: list[Outcome] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, and how it is played.

    `is_momentary` when nothing has to be undone; `fails_the_ai` when calls to the AI fail; `is_only_slow` when Redis
    and PostgreSQL answer and must not be logged as unavailable. It is played at each of the `rates` (questions a
    second), for `seconds` (None: as long as the drill's other faults), after `lead_in` seconds of load.
    `recovers_within` is the longest time until answers are unaffected again, if the drill is to wait for that; else the
    circuits are reset. `settings` starts what the fault needs, and gives the instances' settings for it. `budget` is
    the number of answers that a hostile visitor may have the AI write; answers to others are then compared with those
    before.
    """

    name: str
    description: str
    inject: Callable[[DrillContext], AbstractContextManager[None]]
    is_momentary: bool = False
    fails_the_ai: bool = False
    rates: tuple[float, ...] = (RATE,)
    seconds: float | None = None
    lead_in: float = 1.0  # so that questions are in progress when a fault begins
    recovers_within: float | None = None
    kinds: tuple[Kind, ...] = KINDS
    is_only_slow: bool = False
    settings: Callable[[Environment], AbstractContextManager[Mapping[str, str]]] | None = None
    budget: int | None = None


def ai_fault(
    name: str,
    description: str,
    kind: str,
    options: Mapping[str, float] = EMPTY,
    *,
    fails_the_ai: bool = True,
    **own: Any,
) -> Fault:
    """A fault of the stand-in AI with its `options`; `own` are fields of Fault."""

    @contextmanager
    def inject(context: DrillContext) -> Iterator[None]:
        context.environment.ai.fail(kind, **options)
        yield
        context.environment.ai.heal()

    return Fault(name, description, inject, fails_the_ai=fails_the_ai, **own)


def service_fault(
    name: str, description: str, begin: Callable[[Environment], None], end: Callable[[Environment], None], **own: Any
) -> Fault:
    """A fault that begins and ends with one call each."""

    @contextmanager
    def inject(context: DrillContext) -> Iterator[None]:
        begin(context.environment)
        yield
        end(context.environment)

    return Fault(name, description, inject, **own)
