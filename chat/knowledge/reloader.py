"""Keeps this process's knowledge base in step with the database.

A background thread checks the table every CHECK_SECONDS, so that no request waits for the database to search. A change
is visible on all instances within CHECK_SECONDS plus a third of a second of CPU to build the index. While the database
is unavailable the last state stays; without one, or while the table is empty, the bundled files are used.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from contextlib import suppress

from django.db import connection

from chat.knowledge.files import BUNDLED, read_folder
from chat.knowledge.knowledge_base import KnowledgeBase
from chat.models import KnowledgeEntry
from observability.logs import get_logger

CHECK_SECONDS = 1.0
FIRST_WAIT_SECONDS = 1.0  # the first search waits this long for the database, then uses the bundled files

log = get_logger(__name__)


class KnowledgeReloader:
    """Holds the current `KnowledgeBase`, and replaces it when the database has changed."""

    def __init__(self) -> None:
        self._knowledge_base: KnowledgeBase | None = None
        self._table_state: Hashable = None  # of the table that `_knowledge_base` was built from
        self._lock = threading.Lock()
        self._refresh_lock = threading.Lock()  # so that an older state never replaces a newer one
        self._checked = threading.Event()  # set after the first check
        self._stopped = threading.Event()
        self._watcher: threading.Thread | None = None

    def current(self) -> KnowledgeBase:
        # Started here and not at import: threads don't survive the fork of the server's workers.
        if self._watcher is None:
            self._start_watcher()
        if self._knowledge_base is None:
            self._checked.wait(FIRST_WAIT_SECONDS)
        return self._knowledge_base or self._load_bundled()

    def refresh(self) -> None:
        """Reload from the database if it changed. Raises django.db.Error when the database is unavailable."""
        with self._refresh_lock:
            self._refresh()

    def forget_watcher(self) -> None:
        """Start another one at the next call, in a forked process."""
        self._watcher = None

    def stop(self) -> None:
        """Stop the watcher thread and wait for its end."""
        self._stopped.set()
        if self._watcher is not None:
            self._watcher.join()

    def _refresh(self) -> None:
        # Read before the entries: a change between the two queries makes the next check reload.
        state = tuple(KnowledgeEntry.objects.order_by("pk").values_list("pk", "updated_at", "enabled"))
        if self._knowledge_base is not None and state == self._table_state:
            return
        entries = list(KnowledgeEntry.objects.filter(enabled=True)) if state else bundled_entries()
        with self._lock:
            self._knowledge_base, self._table_state = KnowledgeBase(entries), state
        log.info("Knowledge base loaded", entries=len(entries), source="database" if state else "bundled files")

    def _load_bundled(self) -> KnowledgeBase:
        with self._lock:
            if self._knowledge_base is None:
                log.warning("Knowledge base unavailable, using the bundled entries")
                self._knowledge_base = KnowledgeBase(bundled_entries())
            return self._knowledge_base

    def _start_watcher(self) -> None:
        with self._lock:
            if self._watcher is None:
                watcher = threading.Thread(target=self._watch, name="knowledge", daemon=True)
                watcher.start()
                self._watcher = watcher

    def _watch(self) -> None:
        is_failing = stopped = False
        while not stopped:
            try:
                self.refresh()
                is_failing = False
            except Exception as error:  # noqa: BLE001 – any failure may be gone at the next check
                if not is_failing:
                    log.warning("Knowledge base check failed", error=type(error).__name__)
                is_failing = True
            finally:
                with suppress(Exception):  # this thread is never started again
                    connection.close()  # hold no connection between two checks
                self._checked.set()
            stopped = self._stopped.wait(CHECK_SECONDS)


def bundled_entries() -> list[KnowledgeEntry]:
    return [file.entry for file in read_folder(BUNDLED)]
