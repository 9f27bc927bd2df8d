"""The breaker's state in Redis, shared by the fleet. This module calls breaker.lua, which makes every change."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from redis import Redis

from chat.upstream.breaker.circuit import (
    HISTORY,
    SLOTS,
    Admission,
    CallOrigin,
    Circuit,
    Failure,
    RecordResult,
    Slot,
    Streak,
    Transition,
    WindowCounts,
)
from chat.upstream.breaker.policy import Policy, milliseconds
from chat.upstream.breaker.snapshot import Snapshot
from observability.redis_cluster import Trips, trips_of
from observability.redis_trips import Command, Script

SCRIPT = Path(__file__).with_name("breaker.lua").read_text(encoding="utf-8")
_script = Script(SCRIPT)

# Redis deletes an unused breaker and its history after this time.
RETENTION_SECONDS = 30 * 24 * 3600.0


class RedisStore:
    """One breaker of the fleet. All methods raise `redis.RedisError` when Redis is unavailable.

    `target` is what the calls go to, as a short key: another target begins with a closed circuit. `redis` creates the
    client, with responses in bytes and short timeouts; it is called once, at first use (after the server has forked).
    `now` (unix seconds) replaces Redis' clock in tests; production leaves it out, so that no client's clock counts.
    """

    def __init__(  # noqa: PLR0913 - identity, connection and clock
        self,
        name: str,
        policy: Policy,
        redis: Callable[[], Redis],
        *,
        target: str = "",
        now: Callable[[], float] | None = None,
        retention_seconds: float = RETENTION_SECONDS,
    ) -> None:
        self.name = name
        self.key = f"bff:breaker:{name}:{target}" if target else f"bff:breaker:{name}"
        self.policy = policy
        self._connect = redis
        self._now = now
        self._settings = _settings(policy, retention_seconds)

    def acquire(self) -> Admission:
        """Decide on one call. First makes the transition that is due by time: open time or forced state over."""
        admitted, state, generation, probe, wait, forced, row = self._run("acquire")
        return Admission(
            admitted=bool(admitted),
            state=state.decode(),
            generation=generation,
            probe=probe,
            wait=None if wait < 0 else wait / 1000,
            forced=forced.decode(),
            transition=_transition(row) if row else None,
            source="redis",
        )

    def record(self, admission: Admission, origin: CallOrigin, failure: Failure | None) -> RecordResult:
        """Record a call's result, None for success."""
        code, retry_after = failure or ("", 0.0)
        result = (int(failure is not None), code, milliseconds(retry_after), origin.subject, int(origin.is_background))
        command = self._command("record", admission.generation, admission.probe, *result)
        if failure is None and not admission.probe:  # it can't cause a transition
            self._trips.post(command)
            return RecordResult()
        row, *counts = self._trips.send(command)[0]
        return RecordResult(_transition(row) if row else None, WindowCounts(*counts))

    def release(self, admission: Admission) -> None:
        """Free the lease of a probe that ended without a result: another call may probe."""
        self._run("release", admission.generation, admission.probe)

    def force(self, state: Literal["open", "closed"], *, who: str, reason: str, seconds: float | None) -> Transition:
        duration = "" if seconds is None else milliseconds(seconds)
        return _transition(self._run("force", state, who, reason, duration)[-1])

    def reset(self, *, who: str, reason: str) -> Transition:
        return _transition(self._run("reset", who, reason)[-1])

    def snapshot(self) -> Snapshot:
        (seconds, microseconds), fields = self._trips.send(("TIME",), ("HGETALL", self.key))
        now = milliseconds(self._now()) if self._now else int(seconds) * 1000 + int(microseconds) // 1000
        return Snapshot.of(self.name, _circuit(fields), self.policy, now, "redis")

    @cached_property
    def _trips(self) -> Trips:
        return trips_of(self._connect())

    def _run(self, verb: str, *arguments: Any) -> list[Any]:
        reply: list[Any] = self._trips.send(self._command(verb, *arguments))[0]
        return reply

    def _command(self, verb: str, *arguments: Any) -> Command:
        now = milliseconds(self._now()) if self._now else ""
        return _script([self.key], verb, now, self._settings, *arguments)


def _settings(policy: Policy, retention_seconds: float) -> str:
    """What the script must know, as JSON. Times are whole milliseconds."""
    return json.dumps(
        {
            "policy": {
                "failure_threshold": policy.failure_threshold,
                "needed_subjects": policy.needed_subjects,
                "min_streak": milliseconds(policy.min_streak),
                "window": milliseconds(policy.window),
                "min_calls": policy.min_calls,
                "failure_rate": policy.failure_rate,
                "open_for": milliseconds(policy.open_for),
                "open_max": milliseconds(policy.open_max),
                "probes": policy.probes,
                "success_threshold": policy.success_threshold,
                "probe_lease": milliseconds(policy.probe_lease),
            },
            "slot_count": SLOTS,
            "history_length": HISTORY,
            "retention": milliseconds(retention_seconds),
        }
    )


def _transition(row: list[Any]) -> Transition:
    """A transition from a row of the script's reply (texts as bytes) or of the history (texts as str)."""
    at, *texts = row
    decoded: list[Any] = [text.decode() if isinstance(text, bytes) else text for text in texts]
    return Transition(at / 1000, *decoded)


def _streak(text: str) -> Streak:
    failures, since, *subjects = text.split() or ("0", "0")
    return Streak(int(failures), int(since), tuple(subjects))


def _circuit(hash_: dict[bytes, bytes]) -> Circuit:
    """The hash as an object; a missing field has its initial value."""
    texts = {name.decode(): value.decode() for name, value in hash_.items()}
    circuit = Circuit()
    for name, text in texts.items():
        if name.startswith("slot:"):
            circuit.slots[int(name.removeprefix("slot:"))] = Slot(*map(int, text.split()))
        elif name == "leases":
            circuit.leases = {
                int(probe): int(ends_at) for probe, ends_at in (lease.split("=") for lease in text.split())
            }
        elif name in {"streak", "background_streak"}:
            setattr(circuit, name, _streak(text))
        elif name == "history":
            circuit.history = [_transition(row) for row in json.loads(text)]
        elif hasattr(circuit, name):  # a newer version of this program may write more fields
            setattr(circuit, name, type(getattr(circuit, name))(text))
    return circuit
