"""The processes in which documents are read, seen from outside."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil

from tests.waiting import eventually

READER = "chat.document_reader"


def readers(of: int | None = None) -> list[psutil.Process]:
    """The readers that run below a process, this one by default, each with what it has started."""
    return list(_readers(psutil.Process(of)))


def a_reader(of: int | None = None) -> psutil.Process:
    """The reader at work, waited for."""
    eventually(lambda: readers(of))
    return readers(of)[0]


def _readers(process: psutil.Process) -> Iterator[psutil.Process]:
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if READER in child.cmdline():
                yield child
                yield from child.children(recursive=True)


@dataclass
class Peak:
    """The most memory that a reader, or what it had started, was seen to hold, in megabytes."""

    megabytes: float = 0.0

    def __enter__(self) -> Peak:
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            for reader in readers():
                with suppress(psutil.NoSuchProcess):
                    self.megabytes = max(self.megabytes, reader.memory_info().rss / 1024 / 1024)
