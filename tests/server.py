"""chat-bff as it runs in production: gunicorn with gevent workers, on a port of its own."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from django.db import connection

from chat.drill.parts import ROOT, Web
from tests.services import FOLDER


class Server:
    """One instance. Several share Redis, PostgreSQL and the stand-in with each other and with the test."""

    def __init__(self, workers: int = 1, **env: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="server-", dir=FOLDER))
        self.log = self.folder / "web.log"
        own = {
            "WEB_WORKERS": str(workers),
            "DATABASE_URL": _test_database(),
            "PROMETHEUS_MULTIPROC_DIR": tempfile.mkdtemp(prefix="metrics-", dir=self.folder),
        }
        self.process = Web({**_measured(os.environ), **own, **env}, self.log)
        self.port, self.url = self.process.port, self.process.url

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(self.url + path, timeout=30, **options)

    def ask(self, message: str, **options: Any) -> requests.Response:
        return requests.post(f"{self.url}/api/chat/message", json={"message": message}, timeout=60, **options)

    def stop(self) -> None:
        self.process.stop(signal.SIGINT)  # at once: what still streams need not end

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()


def _measured(env: Mapping[str, str]) -> dict[str, str]:
    """This environment; where coverage measures, it is to know the server's greenlets apart."""
    ours = dict(env)
    if ours.pop("COVERAGE_PROCESS_CONFIG", None):
        ours["COVERAGE_PROCESS_START"] = str(ROOT / "tests" / "server.coveragerc")
    return ours


def _test_database() -> str:
    at = connection.settings_dict
    return f"postgresql://{at['USER']}:@/{at['NAME']}?host={at['HOST'] or at['OPTIONS']['host']}"
