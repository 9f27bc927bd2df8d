"""The state of an AI service for `/readyz`, from the results of calls; no request is sent for the report.

A refusal of our key, address or model is stored in Redis, because another process may serve `/readyz`. The next success
deletes it.
"""

from __future__ import annotations

import threading
import time

from observability import logs
from observability.shared_redis import SharedRedis

log = logs.get_logger(__name__)

RECENT_SECONDS = 30.0  # after a success within this time /readyz opens no connection
KEPT_SECONDS = 3600  # lifetime of a refusal, from the last refused call
LOG_EVERY_SECONDS = 60.0


class ServiceState:
    """The state of one AI service. `identity` names its address, protocol, model and key without revealing them; the
    log names it by its `role`.
    """

    def __init__(self, role: str, identity: str, redis: SharedRedis) -> None:
        self._role = role
        self._key = f"bff:ai-misconfigured:{identity}"
        self._redis = redis
        self._lock = threading.Lock()
        self._refusal = ""  # the code of the refusal that no success has followed, as this process knows it
        self._succeeded_at = 0.0
        self._logged_at = 0.0

    @property
    def has_succeeded_recently(self) -> bool:
        """Whether this process' last call was a success, a short time ago."""
        return time.time() - self._succeeded_at < RECENT_SECONDS

    def refusal(self) -> str:
        """The code with which the service refuses our settings, as any process of the fleet has seen it; else empty."""
        stored = self._redis.send(("GET", self._key))
        if stored is None:  # Redis is unavailable
            return self._refusal
        code, _, at = (stored[0] or b"").decode().partition(" ")
        if code and self._succeeded_at > float(at):
            self._forget()
            return ""
        self._refusal = code
        return code

    def record_success(self) -> None:
        """Report an attempt that has had its answer."""
        self._succeeded_at = time.time()
        if self._refusal:
            self._forget()
            log.info("AI service accepts our settings again", service=self._role)

    def record_failure(self) -> None:
        """Report any other attempt whose end says something about the service or the request."""
        self._succeeded_at = 0.0

    def record_refusal(self, code: str) -> None:
        """Report an attempt that the service has refused for our settings."""
        now = time.time()
        self._succeeded_at, self._refusal = 0.0, code
        with self._lock:
            is_due = now - self._logged_at >= LOG_EVERY_SECONDS
            self._logged_at = now if is_due else self._logged_at
        if is_due:
            log.error("AI service refuses our settings", service=self._role, code=code)
        self._redis.send(("SET", self._key, f"{code} {now}", "EX", KEPT_SECONDS))

    def _forget(self) -> None:
        self._refusal, self._logged_at = "", 0.0
        self._redis.send(("DEL", self._key))
