"""The breaker's rules in Redis: one state for the whole fleet. breaker.lua makes every change; here is its border."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from redis import Redis
from redis.commands.core import Script

from chat.upstream.breaker.circuit import HISTORY, SLOTS, Admission, Circuit, Failure, Slot, Tally, Transition, Vote
from chat.upstream.breaker.policy import Policy, milliseconds
from chat.upstream.breaker.snapshot import Snapshot

SCRIPT = Path(__file__).with_name("breaker.lua").read_text(encoding="utf-8")

# A breaker that nobody uses any more leaves Redis by itself; its history is worth keeping this long.
KEEP_SECONDS = 30 * 24 * 3600.0


class RedisStore:
    """One breaker of the fleet. Everything raises `redis.RedisError` when Redis is away.

    `redis` is called once, at first use (after the server has forked). `now` (unix seconds) is for tests, which can't
    turn Redis' clock: production leaves it out, and no client's clock ever counts.
    """

    def __init__(
        self,
        name: str,
        policy: Policy,
        redis: Callable[[], Redis],
        *,
        now: Callable[[], float] | None = None,
        keep_seconds: float = KEEP_SECONDS,
    ) -> None:
        self.name = name
        self.key = f"breaker:{name}"
        self.policy = policy
        self._connect = redis
        self._now = now
        self._fixed = (milliseconds(keep_seconds), SLOTS, HISTORY, *_as_arguments(policy))

    def acquire(self) -> Admission:
        """May a call go ahead? Moves on what time alone moves: the end of the open time, of a forced state."""
        admitted, state, generation, probe, wait, forced, moved = self._run("acquire")
        return Admission(
            admitted=bool(admitted),
            state=state.decode(),
            generation=generation,
            probe=probe,
            wait=None if wait < 0 else wait / 1000,
            forced=forced.decode(),
            transition=_transition(moved),
            source="redis",
        )

    def record(self, admission: Admission, failure: Failure | None) -> Vote:
        """A call's result, None for success."""
        code, retry_after = failure or ("", 0.0)
        result = (int(failure is not None), code, milliseconds(retry_after))
        moved, calls, failures = self._run("record", admission.generation, admission.probe, *result)
        return Vote(_transition(moved), Tally(calls, failures))

    def release(self, admission: Admission) -> None:
        """A probe ended without a result: another call may try."""
        self._run("release", admission.generation, admission.probe)

    def force(self, state: Literal["open", "closed"], *, who: str, reason: str, seconds: float | None) -> Transition:
        duration = "" if seconds is None else milliseconds(seconds)
        return _made(self._run("force", state, who, reason, duration)[-1])

    def reset(self, *, who: str, reason: str) -> Transition:
        return _made(self._run("reset", who, reason)[-1])

    def snapshot(self) -> Snapshot:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.time()
        pipeline.hgetall(self.key)
        (seconds, microseconds), fields = pipeline.execute()
        now = milliseconds(self._now()) if self._now else seconds * 1000 + microseconds // 1000
        return Snapshot.of(self.name, _circuit(fields), self.policy, now, "redis")

    @cached_property
    def _redis(self) -> Redis:
        return self._connect()

    @cached_property
    def _script(self) -> Script:
        return self._redis.register_script(SCRIPT)

    def _run(self, verb: str, *arguments: Any) -> list[Any]:
        now = milliseconds(self._now()) if self._now else ""
        answer: list[Any] = self._script(keys=[self.key], args=(verb, now, *self._fixed, *arguments))
        return answer


def _as_arguments(policy: Policy) -> tuple[int | float, ...]:
    return (
        milliseconds(policy.window),
        policy.failure_threshold,
        policy.failure_rate,
        milliseconds(policy.open_for),
        milliseconds(policy.open_max),
        policy.probes,
        policy.success_threshold,
        milliseconds(policy.probe_lease),
    )


def _transition(row: list[Any]) -> Transition | None:
    return _made(row) if row else None


def _made(row: list[Any]) -> Transition:
    """A transition from the script's answer, its texts in bytes, or from the history, its texts decoded."""
    at, *texts = row
    decoded: list[Any] = [text.decode() if isinstance(text, bytes) else text for text in texts]
    return Transition(at / 1000, *decoded)


def _circuit(hash_: dict[bytes, bytes]) -> Circuit:
    """The hash as an object; what it lacks is as at the beginning."""
    texts = {name.decode(): value.decode() for name, value in hash_.items()}
    circuit = Circuit()
    for name, text in texts.items():
        if name.startswith("slot:"):
            circuit.slots[int(name.removeprefix("slot:"))] = Slot(*map(int, text.split()))
        elif name == "leases":
            circuit.leases = {int(probe): int(ends) for probe, ends in (lease.split("=") for lease in text.split())}
        elif name == "history":
            circuit.history = [_made(row) for row in json.loads(text)]
        elif hasattr(circuit, name):  # a newer version's field is none of our business
            setattr(circuit, name, type(getattr(circuit, name))(text))
    return circuit
