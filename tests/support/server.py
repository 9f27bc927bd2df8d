"""An instance of chat-bff as in production, with the test's Redis, PostgreSQL and stand-in AI."""

from __future__ import annotations

import atexit
import os
import signal
import tempfile
from collections.abc import Mapping
from functools import cache
from typing import Any

import requests
from django.db import connection

from tests.support.fork_server import ForkServer
from tests.support.processes import Child, WebInstance
from tests.support.services import FOLDER, new_folder


class ForkedInstance(WebInstance):
    """An instance that starts in half the time."""

    def spawn(self) -> Child:
        assert self.env is not None
        assert self.output is not None
        return _fork_server().start(self.command[3:], self.env, self.output, self.output)


@cache
def _fork_server() -> ForkServer:
    server = ForkServer("gunicorn", FOLDER)
    atexit.register(server.stop)
    return server


class Server:
    """One instance; `env` overrides its settings. All instances of a test share its services."""

    def __init__(self, workers: int = 1, **env: str) -> None:
        self.folder = new_folder("server")
        self.log = self.folder / "web.log"
        own_settings = {
            "WEB_WORKERS": str(workers),
            "DATABASE_URL": database_url(),
            "PROMETHEUS_MULTIPROC_DIR": tempfile.mkdtemp(prefix="metrics-", dir=self.folder),
        }
        environment = {**os.environ, **own_settings, **env}
        environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)  # set for the browser's tests; a server refuses to start
        self.process = self.start(environment)
        self.port, self.url = self.process.port, self.process.url

    def start(self, env: Mapping[str, str]) -> WebInstance:
        return ForkedInstance(env, self.log)

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(self.url + path, timeout=30, **options)

    def ask(self, message: str, **options: Any) -> requests.Response:
        return requests.post(f"{self.url}/api/chat/message", json={"message": message}, timeout=60, **options)

    def visitor(self) -> requests.Session:
        """The browser of a visitor who has opened the page: with their cookie and the page's CSRF token."""
        browser = requests.Session()
        browser.get(f"{self.url}/", timeout=60)
        browser.headers["X-CSRFToken"] = browser.cookies["csrftoken"]
        return browser

    def stop(self) -> None:
        self.process.stop(signal.SIGINT)  # without waiting for streams in progress

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()


def database_url() -> str:
    """The address of the test's database."""
    database = connection.settings_dict
    host = database["HOST"] or database["OPTIONS"]["host"]
    return f"postgresql://{database['USER']}:@/{database['NAME']}?host={host}"
