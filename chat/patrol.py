"""One thread that looks after many who wait, in place of a timer for each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from observability import logs

log = logs.get_logger(__name__)

Ward = TypeVar("Ward")


class Patrol(Generic[Ward]):
    """Goes round every so many seconds, for as long as there is anybody to look after.

    Who `is_due` is looked after no more, and then, once, `tend` is called with them: both from the patrol's thread.
    Most are gone before the first round: they cost nothing.
    """

    def __init__(
        self, name: str, seconds: float, is_due: Callable[[Ward], bool], tend: Callable[[Ward], object]
    ) -> None:
        self._name = name
        self._seconds = seconds
        self._is_due = is_due
        self._tend = tend
        self._lock = threading.Lock()
        self._wards: set[Ward] = set()
        self._thread: threading.Thread | None = None

    def begin(self, ward: Ward) -> None:
        """Look after this one from now on."""
        with self._lock:
            self._wards.add(ward)
            if self._thread is None:
                self._thread = threading.Thread(target=self._go_round, name=self._name, daemon=True)
                self._thread.start()

    def end(self, ward: Ward) -> None:
        """No more. Whether they are due isn't asked any longer once this has returned."""
        with self._lock:
            self._wards.discard(ward)

    def _go_round(self) -> None:
        is_over = False
        while not is_over:
            time.sleep(self._seconds)
            with self._lock:
                due = [ward for ward in self._wards if self._is_due(ward)]
                self._wards.difference_update(due)
                is_over = not self._wards
                if is_over:
                    self._thread = None
            for ward in due:
                self._tell(ward)

    def _tell(self, ward: Ward) -> None:
        try:
            self._tend(ward)
        except Exception:
            log.exception("Patrol failed")
