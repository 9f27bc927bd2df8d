"""The state of an AI service for `/readyz`, from the results of calls; no request is sent for the report.

A refusal of our key, address or model is stored in Redis, because another process may serve `/readyz`. The next success
deletes it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

from redis import Redis
from redis.exceptions import RedisError

from chat.upstream.errors import AIError, AIMisconfigured
from observability import logs
from observability.outage import Outage
from observability.redis_cluster import Trips, trips_of

log = logs.get_logger(__name__)

RECENT_SECONDS = 30.0  # after a success within this time /readyz opens no connection
KEPT_SECONDS = 3600  # lifetime of a refusal, from the last refused call
LOG_EVERY_SECONDS = 60.0


class ServiceState:
    """The state of one AI service. `identity` names its address, protocol, model and key without revealing them; the
    log names it by its `role`.
    """

    def __init__(
        self,
        role: str,
        identity: str,
        redis: Callable[[], Redis],
        outage: Outage,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._role = role
        self._key = f"bff:ai-misconfigured:{identity}"
        self._redis = redis
        self._outage = outage
        self._clock = clock
        self._lock = threading.Lock()
        self._refusal = ""  # the code of the refusal that no success has followed, as this process knows it
        self._succeeded_at = 0.0
        self._logged_at = 0.0

    @contextmanager
    def observing(self) -> Iterator[None]:
        """Context manager around one attempt: records its success or refusal."""
        try:
            yield
        except AIMisconfigured as error:
            self._record_refusal(error.code)
            raise
        except AIError:
            self._succeeded_at = 0.0
            raise
        self._record_success()

    @property
    def has_succeeded_recently(self) -> bool:
        """Whether this process' last call was a success, a short time ago."""
        return self._clock() - self._succeeded_at < RECENT_SECONDS

    def refusal(self) -> str:
        """The code with which the service refuses our settings, as any process of the fleet has seen it; else empty."""
        stored = self._execute("GET", self._key)
        if stored is None:  # Redis is unavailable
            return self._refusal
        code, _, at = stored.decode().partition(" ")
        if code and self._succeeded_at > float(at):
            self._forget()
            return ""
        self._refusal = code
        return code

    def _record_refusal(self, code: str) -> None:
        now = self._clock()
        self._succeeded_at, self._refusal = 0.0, code
        with self._lock:
            is_due = now - self._logged_at >= LOG_EVERY_SECONDS
            self._logged_at = now if is_due else self._logged_at
        if is_due:
            log.error("AI service refuses our settings", service=self._role, code=code)
        self._execute("SET", self._key, f"{code} {now}", "EX", KEPT_SECONDS)

    def _record_success(self) -> None:
        self._succeeded_at = self._clock()
        if self._refusal:
            self._forget()
            log.info("AI service accepts our settings again", service=self._role)

    def _forget(self) -> None:
        self._refusal, self._logged_at = "", 0.0
        self._execute("DEL", self._key)

    def _execute(self, *command: str | int) -> bytes | None:
        """The reply of a command, b"" for one without; None while Redis is unavailable."""
        if self._outage.is_active:
            return None
        try:
            [reply] = self._trips.send(command)
        except RedisError as error:
            self._outage.suspect(error)
            return None
        return reply if isinstance(reply, bytes) else b""

    @cached_property
    def _trips(self) -> Trips:
        return trips_of(self._redis())
