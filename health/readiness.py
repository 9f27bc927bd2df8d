"""Asking every dependency at once, not too often and never for long.

In seconds: what was found holds for `FRESH`; an answer is waited for `PATIENCE` at most, so that `/readyz` is faster
than the second that Kubernetes grants; a probe that hangs is let hang, and another one sent after `GIVEN_UP`.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from django.conf import settings
from django.db import connections

from health import draining, uptime
from health.probes import Details, Probe, by_dependency, code_of
from observability import correlation
from observability.logs import get_logger
from observability.timestamps import iso

log = get_logger(__name__)

FRESH = 5.0
PATIENCE = 0.8
GIVEN_UP = 30.0

Status = Literal["healthy", "degraded", "unhealthy"]


class Asking(threading.Thread):
    """One dependency being asked. A daemon: a dependency that hangs must not keep the process from ending."""

    def __init__(self, name: str, probes: Sequence[Probe]) -> None:
        super().__init__(name=f"probe-{name}", daemon=True)
        self.probes = probes
        self.correlation = correlation.current()
        self.began = time.monotonic()
        self.ended: float | None = None
        self.details: Details = {}
        self.error: Exception | None = None

    def run(self) -> None:
        with correlation.bound(self.correlation):
            try:
                for probe in self.probes:
                    self.details |= probe()
            except Exception as error:  # noqa: BLE001 - whatever it is, the dependency can't be used
                self.error = error
            finally:
                self.ended = time.monotonic()
                connections.close_all()  # this thread's own

    def hangs(self) -> bool:
        return self.is_alive() and time.monotonic() - self.began < GIVEN_UP

    def result(self) -> dict[str, Any]:
        """`{status, latency (ms), …details}`, and for what is down an `error` code."""
        latency = round(((self.ended or time.monotonic()) - self.began) * 1000, 1)
        if self.ended is None:
            return {"status": "unhealthy", "latency": latency, "error": "timeout"}
        if self.error is not None:
            return {"status": "unhealthy", "latency": latency, "error": code_of(self.error)} | self.details
        return {"status": "healthy", "latency": latency} | self.details


class Readiness:
    """The last findings about every dependency, renewed by one caller at a time while the others get the last ones."""

    def __init__(self, probes: Mapping[str, Sequence[Probe]], clock: Callable[[], float] = time.monotonic) -> None:
        self._probes = probes
        self._clock = clock
        self._renewing = threading.Lock()
        self._asked: dict[str, Asking] = {}
        self._found: dict[str, dict[str, Any]] = {}
        self._found_at = float("-inf")

    def report(self) -> dict[str, Any]:
        """What `/readyz` says."""
        dependencies = self.dependencies()
        return {
            "status": "unhealthy" if draining.started() else overall(dependencies),
            "timestamp": iso(),
            "uptime": uptime.seconds(),
            "dependencies": dependencies,
        }

    def dependencies(self) -> dict[str, dict[str, Any]]:
        # Whoever comes first asks; only before the very first findings do the others have to wait for them.
        if self._is_old() and self._renewing.acquire(blocking=not self._found):
            try:
                if self._is_old():
                    self._renew()
            finally:
                self._renewing.release()
        return self._found

    def _is_old(self) -> bool:
        return self._clock() - self._found_at >= FRESH

    def _renew(self) -> None:
        for name, probes in self._probes.items():
            if name not in self._asked or not self._asked[name].hangs():
                self._asked[name] = Asking(name, probes)
                self._asked[name].start()
        deadline = time.monotonic() + PATIENCE
        for asking in self._asked.values():
            asking.join(max(0.0, deadline - time.monotonic()))
        found = {name: asking.result() for name, asking in self._asked.items()}
        self._log_changes(found)
        self._found, self._found_at = found, self._clock()

    def _log_changes(self, found: Mapping[str, dict[str, Any]]) -> None:
        for name, result in found.items():
            before, now = self._found.get(name, {}).get("status", "healthy"), result["status"]
            if now != before:
                log.log(
                    logging.INFO if now == "healthy" else logging.WARNING,
                    "Dependency changed state",
                    dependency=name,
                    from_state=before,
                    to_state=now,
                    code=result.get("error"),
                    exc_info=self._asked[name].error,
                )


def overall(dependencies: Mapping[str, Mapping[str, Any]]) -> Status:
    """Unhealthy without something required, degraded without anything else, healthy with all."""
    statuses = {name: dependency["status"] for name, dependency in dependencies.items()}
    if any(statuses.get(name) == "unhealthy" for name in settings.HEALTH_REQUIRED):
        return "unhealthy"
    return "healthy" if all(status == "healthy" for status in statuses.values()) else "degraded"


@functools.cache
def current() -> Readiness:
    """This process's own."""
    return Readiness(by_dependency())
