"""What goes wrong, one after the other: each fault is a `with` block, in force inside it and gone behind it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from chat.drill.load import Crowd
from chat.drill.people import Outcome
from chat.drill.stage import PACE, Stage

CLOCK_SHIFT = 3600.0  # seconds
LEISURELY_PACE = 40.0  # tokens a second, so that an answer outlasts the reader who leaves it
VANISH_EVERY_SECONDS = 0.5
KILLED_WORKERS, BETWEEN_KILLS_SECONDS = 3, 2.5


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a fault strikes, and the questions of those who left before their answer had ended."""

    stage: Stage
    crowd: Crowd
    vanished: list[Outcome] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `is_over_at_once` when the program itself mends it, `is_of_the_ai` when calls to the AI fail."""

    name: str
    what: str
    hold: Callable[[Scene], AbstractContextManager[None]]
    is_over_at_once: bool = False
    is_of_the_ai: bool = False


def _ai(name: str, what: str, kind: str, **options: Any) -> Fault:
    @contextmanager
    def hold(scene: Scene) -> Iterator[None]:
        scene.stage.ai.fail(kind, **options)
        yield
        scene.stage.ai.heal()

    return Fault(name, what, hold, is_of_the_ai=True)


def _part(name: str, what: str, strike: Callable[[Stage], None], mend: Callable[[Stage], None]) -> Fault:
    @contextmanager
    def hold(scene: Scene) -> Iterator[None]:
        strike(scene.stage)
        yield
        mend(scene.stage)

    return Fault(name, what, hold)


@contextmanager
def _worker_killed(scene: Scene) -> Iterator[None]:
    for _ in range(KILLED_WORKERS):
        scene.stage.kill_a_worker()
        time.sleep(BETWEEN_KILLS_SECONDS)
    yield


@contextmanager
def _rolling_restart(scene: Scene) -> Iterator[None]:
    for instance in scene.stage.instances:
        instance.leave()
        with scene.crowd.without(instance.url):
            instance.start()
    yield


@contextmanager
def _clients_vanish(scene: Scene) -> Iterator[None]:
    over = threading.Event()

    def vanish() -> None:
        while not over.wait(VANISH_EVERY_SECONDS):
            scene.vanished.append(scene.crowd.vanish())

    scene.stage.ai.pace(LEISURELY_PACE)
    thread = threading.Thread(target=vanish, name="vanishing", daemon=True)
    thread.start()
    yield
    over.set()
    thread.join()
    scene.stage.ai.pace(PACE)


@contextmanager
def _clock_jump(scene: Scene) -> Iterator[None]:
    scene.stage.ai.fail("error")
    scene.stage.clock.shift(CLOCK_SHIFT)
    yield
    scene.stage.clock.shift(0)
    scene.stage.ai.heal()


FAULTS = (
    _ai("ai-down", "the AI resets every connection", "down"),
    _ai("ai-slow", "the AI's first byte takes 2 s, longer than a call may", "slow", seconds=2),
    _ai("ai-500", "the AI answers 500", "error"),
    _ai("ai-429", "the AI answers 429 with Retry-After: 3", "rate_limited", retry_after=3),
    _ai("ai-cut", "the AI breaks off after eight words", "cut", after_tokens=8),
    _ai("ai-garbage", "the AI answers 200 with bytes that are no answer", "garbage"),
    _ai("ai-drip", "the AI sends one byte every 50 ms", "drip", seconds=0.05),
    _ai("ai-hang", "the AI takes the question and never answers", "hang"),
    _part(
        "redis-killed",
        "Redis is killed; another one starts, empty",
        lambda stage: stage.redis.kill(),
        lambda stage: stage.redis.start(),
    ),
    _part(
        "redis-frozen",
        "Redis accepts connections and says nothing (SIGSTOP)",
        lambda stage: stage.redis.freeze(),
        lambda stage: stage.redis.thaw(),
    ),
    _part(
        "postgres-killed",
        "PostgreSQL is killed, then recovers",
        lambda stage: stage.postgres.kill(),
        lambda stage: stage.postgres.start(),
    ),
    _part(
        "postgres-frozen",
        "PostgreSQL says nothing any more (SIGSTOP)",
        lambda stage: stage.postgres.freeze(),
        lambda stage: stage.postgres.thaw(),
    ),
    Fault(
        "worker-killed",
        "the busier of an instance's two workers gets SIGKILL, three times",
        _worker_killed,
        is_over_at_once=True,
    ),
    Fault("rolling-restart", "both instances restart, one after the other", _rolling_restart, is_over_at_once=True),
    Fault("clients-vanish", "two readers a second leave after the first words", _clients_vanish),
    Fault("clock-jump", "the AI answers 500, and one instance's clock jumps an hour", _clock_jump, is_of_the_ai=True),
)
