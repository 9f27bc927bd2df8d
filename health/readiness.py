"""Runs the probes of all dependencies in parallel and caches the results."""

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
from health.probes import Details, Probe, error_code, probes_by_dependency
from observability import build, correlation
from observability.logs import get_logger
from observability.timestamps import iso

log = get_logger(__name__)

CACHE_SECONDS = 5.0  # how long results are reused
TIMEOUT_SECONDS = 0.8  # per probe; Kubernetes waits 1 s for /readyz by default
ABANDON_SECONDS = 30.0  # a probe that still hangs after this time is left behind and a new one started

Status = Literal["healthy", "degraded", "unhealthy"]


class ProbeThread(threading.Thread):
    """Runs the probes of one dependency. A daemon, so that a probe that hangs does not block process exit."""

    def __init__(self, name: str, probes: Sequence[Probe]) -> None:
        super().__init__(name=f"probe-{name}", daemon=True)
        self.probes = probes
        self.correlation = correlation.current()
        self.started_at = time.monotonic()
        self.ended_at: float | None = None
        self.details: Details = {}
        self.error: Exception | None = None

    def run(self) -> None:
        with correlation.bound(self.correlation):
            try:
                for probe in self.probes:
                    self.details |= probe()
            except Exception as error:  # noqa: BLE001 - whatever the error, the dependency can't be used
                self.error = error
            finally:
                self.ended_at = time.monotonic()
                connections.close_all()  # those of this thread

    def is_pending(self) -> bool:
        """Whether it is still running and not yet abandoned."""
        return self.is_alive() and time.monotonic() - self.started_at < ABANDON_SECONDS

    def result(self) -> dict[str, Any]:
        """`{status, latency, …details}`, latency in ms; with an `error` code if the dependency is down."""
        latency = round(((self.ended_at or time.monotonic()) - self.started_at) * 1000, 1)
        if self.ended_at is None:
            return {"status": "unhealthy", "latency": latency, "error": "timeout"}
        if self.error is not None:
            return {"status": "unhealthy", "latency": latency, "error": error_code(self.error)} | self.details
        return {"status": "healthy", "latency": latency} | self.details


class Readiness:
    """Cached results for all dependencies. One caller at a time refreshes them; the others get the previous results."""

    def __init__(self, probes: Mapping[str, Sequence[Probe]], clock: Callable[[], float] = time.monotonic) -> None:
        self._probes = probes
        self._clock = clock
        self._refresh_lock = threading.Lock()
        self._threads: dict[str, ProbeThread] = {}
        self._results: dict[str, dict[str, Any]] = {}
        self._checked_at = float("-inf")

    def report(self) -> dict[str, Any]:
        """The body of `/readyz`."""
        dependencies = self.dependencies()
        return {
            "status": "unhealthy" if draining.is_active() else overall_status(dependencies),
            "timestamp": iso(),
            "uptime": uptime.seconds(),
            "version": build.full_version(),
            "dependencies": dependencies,
        }

    def dependencies(self) -> dict[str, dict[str, Any]]:
        # Only one caller refreshes. The others don't wait for it, except for the very first results.
        if self._is_expired() and self._refresh_lock.acquire(blocking=not self._results):
            try:
                if self._is_expired():
                    self._refresh()
            finally:
                self._refresh_lock.release()
        return self._results

    def _is_expired(self) -> bool:
        return self._clock() - self._checked_at >= CACHE_SECONDS

    def _refresh(self) -> None:
        for name, probes in self._probes.items():
            if name not in self._threads or not self._threads[name].is_pending():
                self._threads[name] = ProbeThread(name, probes)
                self._threads[name].start()
        deadline = time.monotonic() + TIMEOUT_SECONDS
        for thread in self._threads.values():
            thread.join(max(0.0, deadline - time.monotonic()))
        results = {name: thread.result() for name, thread in self._threads.items()}
        self._log_changes(results)
        self._results, self._checked_at = results, self._clock()

    def _log_changes(self, results: Mapping[str, dict[str, Any]]) -> None:
        for name, result in results.items():
            before, now = self._results.get(name, {}).get("status", "healthy"), result["status"]
            if now != before:
                log.log(
                    logging.INFO if now == "healthy" else logging.WARNING,
                    "Dependency changed state",
                    dependency=name,
                    from_state=before,
                    to_state=now,
                    code=result.get("error"),
                    exc_info=self._threads[name].error,
                )


def overall_status(dependencies: Mapping[str, Mapping[str, Any]]) -> Status:
    """Unhealthy if a required dependency is down, degraded if any other is not healthy, else healthy."""
    statuses = {name: dependency["status"] for name, dependency in dependencies.items()}
    if any(statuses.get(name) == "unhealthy" for name in settings.HEALTH_REQUIRED):
        return "unhealthy"
    return "healthy" if all(status == "healthy" for status in statuses.values()) else "degraded"


@functools.cache
def current() -> Readiness:
    """The Readiness of this process."""
    return Readiness(probes_by_dependency())
