"""What this process knows about a dependency that has gone: told once, heeded by everyone, looked after by a thread.

A dependency that says nothing costs whoever asks it a timeout. So whoever finds that out first says so here; all others
do without it at once, and a thread of its own – never a person's request – asks whether it is back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from urllib.parse import urlsplit

from redis import Redis

from observability import logs

log = logs.get_logger(__name__)

# Nobody waits for the thread that asks, so it may ask often: a hiccup must not cost a process its leases.
PAUSE_SECONDS = 0.5


class Absence:
    """Whether one dependency is away, as far as this process knows.

    `is_back` asks it: it returns when the dependency is there and raises when it is not. It must end by itself.
    """

    def __init__(self, name: str, is_back: Callable[[], object], pause_seconds: float = PAUSE_SECONDS) -> None:
        self.name = name
        self._is_back = is_back
        self._pause_seconds = pause_seconds
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ended.set()

    @property
    def is_on(self) -> bool:
        """Whether to do without it just now. Costs nothing."""
        return not self._ended.is_set()

    def begin(self, error: BaseException) -> None:
        """It did not answer. Said as often as one likes, told once."""
        with self._lock:
            if self.is_on:
                return
            self._ended = threading.Event()
            threading.Thread(target=self._watch, args=[self._ended], name=f"absent-{self.name}", daemon=True).start()
        log.warning("Dependency is left alone", dependency=self.name, code=type(error).__name__)

    def end(self) -> None:
        """It has answered."""
        with self._lock:
            if not self.is_on:
                return
            self._ended.set()
        log.info("Dependency is back", dependency=self.name)

    def wait(self, seconds: float) -> None:
        """Until it is back, so long at most."""
        self._ended.wait(seconds)

    def look(self) -> bool:
        """Ask it once, waiting for the answer: whether it is there."""
        try:
            self._is_back()
        except Exception:  # noqa: BLE001 whatever it is, it can't be used yet
            return False
        self.end()
        return True

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(self._pause_seconds) and not self.look():
            pass


_known: dict[str, Absence] = {}
_knowing = threading.Lock()


def of_redis(url: str, client: Callable[[], Redis]) -> Absence:
    """The absence of the Redis behind this address, one in each process, whatever pool or database it is asked by.

    The first who wants to know lends a `client`, of short timeouts, to ask it with. One that is full, or has become a
    replica, still answers a PING: it is back when it can be written to.
    """
    at = urlsplit(url)
    server = at.netloc.rpartition("@")[2] or at.path
    with _knowing:
        return _known.setdefault(server, Absence("redis", lambda: client().set("bff:here", "", px=1000)))


def all_over() -> None:
    """Begin anew, as a process that has just started."""
    with _knowing:
        for absence in _known.values():
            absence.end()
