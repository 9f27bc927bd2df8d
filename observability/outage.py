"""Tracks whether a dependency is unavailable, so that a process pays its timeout once.

The first call that fails makes the dependency suspect: other callers skip it without waiting, and a background thread
probes it at once. If the probe succeeds, the dependency was slow, or this process was late itself: that is counted, and
not logged. Else the outage is confirmed and logged, and the thread probes the dependency until it answers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from redis import RedisError

from observability import logs, metrics, redis_cluster
from observability.redis_cluster import Trips

log = logs.get_logger(__name__)

# Short, so that a brief failure does not cost a process its leases; no request waits for the probe.
INTERVAL_SECONDS = 0.5
SLOW_SECONDS = 0.05  # on a network of its own a dependency answers within a few milliseconds


class Outage:
    """The availability of one dependency as this process knows it.

    `probe` returns if the dependency is available and raises if not. It must have its own timeout.
    """

    def __init__(self, name: str, probe: Callable[[], object], interval_seconds: float = INTERVAL_SECONDS) -> None:
        self.name = name
        self._probe = probe
        self._interval_seconds = interval_seconds
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ended.set()
        self._is_confirmed = False
        self._slow, self._outages = (metric.labels(name) for metric in (metrics.DEPENDENCY_SLOW, metrics.OUTAGES))

    @property
    def is_active(self) -> bool:
        """Whether to skip the dependency: it is unavailable, or suspect. Does no I/O."""
        return not self._ended.is_set()

    @property
    def is_confirmed(self) -> bool:
        """Whether the dependency is known to be unavailable, not merely suspect."""
        return self._is_confirmed and self.is_active

    def suspect(self, error: BaseException) -> None:
        """Report that a call failed. The outage is confirmed only if a probe fails as well.

        The failure of a single shard is no outage: ClusterTrips keeps the calls to that shard from waiting.
        """
        if not isinstance(error, redis_cluster.ShardUnavailable):
            self._start(error, is_confirmed=False)

    def begin(self, error: BaseException) -> None:
        """Report that the dependency is unavailable: a confirmed outage. Logged once, however often this is called."""
        self._start(error, is_confirmed=True)

    def end(self) -> None:
        """Report that the dependency answered."""
        with self._lock:
            if not self.is_active:
                return
            was_confirmed, self._is_confirmed = self._is_confirmed, False
            self._ended.set()
        if was_confirmed:
            log.info("Dependency available again", dependency=self.name)

    def observe(self, seconds: float) -> None:
        """Report how long an answer took."""
        if seconds > SLOW_SECONDS:
            self._slow.inc()

    def wait(self, seconds: float) -> None:
        """Block until the outage has ended, for at most `seconds`."""
        self._ended.wait(seconds)

    def check(self) -> bool:
        """Probe the dependency now, in the caller's thread. Ends the outage and returns True if it answers."""
        try:
            self._probe()
        except Exception:  # noqa: BLE001 - whatever the error, the dependency can't be used yet
            return False
        self.end()
        return True

    def _start(self, error: BaseException, *, is_confirmed: bool) -> None:
        with self._lock:
            if self.is_active:
                return
            self._ended, self._is_confirmed = threading.Event(), is_confirmed
            watching = [self._ended, error]
            threading.Thread(target=self._watch, args=watching, name=f"outage-{self.name}", daemon=True).start()
        if is_confirmed:
            self._report(error)

    def _watch(self, ended: threading.Event, error: BaseException) -> None:
        if not self._is_confirmed:
            if self.check():
                self._slow.inc()
                return
            with self._lock:
                if ended.is_set():
                    return
                self._is_confirmed = True
            self._report(error)
        while not ended.wait(self._interval_seconds) and not self.check():
            pass

    def _report(self, error: BaseException) -> None:
        self._outages.inc()
        log.warning("Dependency unavailable", dependency=self.name, code=type(error).__name__)


_redis_outages: dict[str, Outage] = {}
_redis_trips: dict[str, dict[str, Callable[[], Trips]]] = {}  # by server and URL, each of which has a pool
_redis_outages_lock = threading.Lock()


def for_redis(url: str, trips: Callable[[], Trips]) -> Outage:
    """The outage of the Redis server at this address: one per process, for all its pools and databases.

    A service of Sentinel is known by its name and, in the fragment, its sentinels: another one may have the same name.
    The first caller's `trips`, which need short timeouts, are used to probe it. The probe is a write: a server that is
    full or has become a replica still answers PING. A cluster is available if one of its shards is.
    """
    address = urlsplit(url)
    server = f"{address.netloc.rpartition('@')[2] or address.path}#{address.fragment}"
    with _redis_outages_lock:
        of_server = _redis_trips.setdefault(server, {})
        of_server.setdefault(url, trips)
        return _redis_outages.setdefault(server, Outage("redis", lambda: _probe_redis(list(of_server.values()))))


def _probe_redis(of_server: Sequence[Callable[[], Trips]]) -> None:
    """Raises RedisError. The next probe then connects anew: a server may refuse more connections than it has.

    Those to other servers stay open.
    """
    first = of_server[0]()
    try:
        redis_cluster.write_anywhere(first, "bff:here")
    except RedisError:
        for trips in of_server:
            trips().close_idle()
        raise
