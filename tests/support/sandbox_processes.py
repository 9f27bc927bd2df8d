"""Finds the document sandbox processes from outside, and measures their memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil

from tests.support.polling import eventually

SANDBOX = "chat.documents.sandbox"


def running(parent: int | None = None) -> list[psutil.Process]:
    """The sandboxes below a process (default: this one) and their child processes."""
    return list(_sandboxes(psutil.Process(parent)))


def wait_for_one(parent: int | None = None) -> psutil.Process:
    """The first sandbox, as soon as it runs."""
    eventually(lambda: running(parent))
    return running(parent)[0]


def fork_servers(parent: int | None = None) -> list[psutil.Process]:
    """The processes below `parent` (default: this one) that fork sandboxes."""
    return list(_fork_servers(psutil.Process(parent)))


def _sandboxes(process: psutil.Process) -> Iterator[psutil.Process]:
    for server in _fork_servers(process):
        with suppress(psutil.NoSuchProcess):
            yield from server.children(recursive=True)


def _fork_servers(process: psutil.Process) -> Iterator[psutil.Process]:
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if SANDBOX in child.cmdline() and SANDBOX not in child.parent().cmdline():
                yield child


@dataclass
class PeakMemory:
    """The highest memory seen in any sandbox or child of one, in megabytes. Measures inside a `with`."""

    megabytes: float = 0.0

    def __enter__(self) -> PeakMemory:
        self._stopped = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._sampler.join()

    def _sample(self) -> None:
        while not self._stopped.wait(0.01):
            for process in running():
                with suppress(psutil.NoSuchProcess):
                    self.megabytes = max(self.megabytes, process.memory_info().rss / 1024 / 1024)
