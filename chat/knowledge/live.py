"""The library in force in this process: what the database holds, at most a few seconds ago.

A thread of its own watches the table, so that no request ever waits for the database to search; a change on one
instance is in force on all of them within `CHECK_SECONDS` plus the time to build an index (a third of a second, in
breaths). While the database is away the last library goes on; where it has been away from the start, or no entry was
ever loaded, the bundled files stand in.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable

from django.db import connection

from chat.knowledge.files import BUNDLED, read_folder
from chat.knowledge.library import Library
from chat.models import KnowledgeEntry
from observability.logs import get_logger

CHECK_SECONDS = 1.0
FIRST_WAIT_SECONDS = 1.0  # that the first question grants the database before the bundled files stand in

log = get_logger(__name__)


class LiveLibrary:
    """Gives the library in force, and keeps it so."""

    def __init__(self) -> None:
        self._library: Library | None = None
        self._state: Hashable = None  # of the table, when the library was built from it
        self._guard = threading.Lock()
        self._refreshing = threading.Lock()  # in turn, else what was read first might be taken up last
        self._checked = threading.Event()
        self._stopped = threading.Event()
        self._watcher: threading.Thread | None = None

    def __call__(self) -> Library:
        # The watcher is started by the first question rather than at import: threads don't survive the server's fork.
        if self._watcher is None or not self._watcher.is_alive():
            self._watch()
        if self._library is None:
            self._checked.wait(FIRST_WAIT_SECONDS)
        return self._library or self._bundled()

    def refresh(self) -> None:
        """Take up what the database holds now. Raises django.db.Error when it can't be asked."""
        with self._refreshing:
            self._refresh()

    def stop(self) -> None:
        """End the watching, and wait until it has ended."""
        self._stopped.set()
        if self._watcher is not None:
            self._watcher.join()

    def _refresh(self) -> None:
        # Read before the entries: what changes in between makes the next check build again.
        state = tuple(KnowledgeEntry.objects.order_by("pk").values_list("pk", "updated_at", "enabled"))
        if self._library is not None and state == self._state:
            return
        entries = list(KnowledgeEntry.objects.filter(enabled=True)) if state else bundled_entries()
        with self._guard:
            self._library, self._state = Library(entries), state
        log.info("Knowledge base taken up", entries=len(entries), source="database" if state else "bundled files")

    def _bundled(self) -> Library:
        with self._guard:
            if self._library is None:
                log.warning("Knowledge base not reachable: the bundled entries stand in")
                self._library = Library(bundled_entries())
            return self._library

    def _watch(self) -> None:
        with self._guard:
            if self._watcher is None or not self._watcher.is_alive():
                self._watcher = threading.Thread(target=self._keep_current, name="knowledge", daemon=True)
                self._watcher.start()

    def _keep_current(self) -> None:
        away = stopped = False
        while not stopped:
            try:
                self.refresh()
                away = False
            except Exception as error:  # noqa: BLE001 – whatever happened, the next check may go well
                if not away:
                    log.warning("Knowledge base not checked", error=type(error).__name__)
                away = True
            finally:
                connection.close()  # a thread that sleeps holds no connection
                self._checked.set()
            stopped = self._stopped.wait(CHECK_SECONDS)


def bundled_entries() -> list[KnowledgeEntry]:
    return [file.entry for file in read_folder(BUNDLED)]
