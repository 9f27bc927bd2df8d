"""Two releases: the commands of docs/deploy/README.md prepare them, that of chat-bff@.service starts them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.support.polling import eventually
from tests.support.server import database_url
from tests.support.services import HOST, ROOT, Process, free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

DEPLOY = ROOT / "docs" / "deploy"
PREPARE, SWITCH = re.findall(
    r"```sh\n(.*?)```", (DEPLOY / "README.md").read_text().partition("## A new release\n")[2], re.DOTALL
)[:2]
SERVICES = ("DATABASE_URL", "REDIS_URL", "REDIS_TIMEOUT_SECONDS", "AI_SERVICE_URL", "AI_SERVICE_MODEL", "SECRET_KEY")
# What is tested elsewhere, or would load packages.
LEFT_OUT = {
    "python3 -m venv .venv && .venv/bin/pip install --require-hashes -r requirements.lock": f"ln -s {sys.prefix} .venv",
    ".venv/bin/python manage.py migrate": ":",
    ".venv/bin/python manage.py load_knowledge": ":",
    "chown -R chat-bff: ": ": ",
}
BEHIND_TLS = {"X-Forwarded-Proto": "https"}
LETTER = "Madame, votre rendez-vous est le 12 mars 2027. " * 400  # the worker would read a shorter text itself


class Machine:
    """A machine with /etc/chat-bff/env and /opt/chat-bff in `folder`, for one instance."""

    def __init__(self, folder: Path, origin: Path) -> None:
        self.folder, self.origin, self.port = folder, origin, free_port()
        self.releases = folder / "opt" / "releases"
        self.releases.mkdir(parents=True)
        own = {"ALLOWED_HOSTS": HOST, "WEB_WORKERS": "1", "DRAIN_SECONDS": "0", "DATABASE_URL": database_url()}
        settings = {name: os.environ[name] for name in SERVICES} | own
        (folder / "env").write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))

    def prepare(self, release: str) -> None:
        commands = PREPARE.replace(" … ", f" file://{self.origin} ")
        for documented, instead in LEFT_OUT.items():
            assert documented in commands
            commands = commands.replace(documented, instead)
        self._run(commands, release)

    def switch_to(self, release: str) -> None:
        """Set the link, and restart nothing."""
        self._run(SWITCH.partition("for port")[0], release)

    def start(self) -> None:
        unit = self._here((DEPLOY / "chat-bff@.service").read_text()).replace("%i", str(self.port))
        of_unit = dict(re.findall(r"^(WorkingDirectory|ExecStart)=(.+)$", unit, re.MULTILINE))
        self.instance = Process(
            *shlex.split(of_unit["ExecStart"]),
            port=self.port,
            env=self._environment | {"ENV_FILE": str(self.folder / "env"), "PORT": str(self.port)},
            output=self.folder / "log",
            folder=Path(of_unit["WorkingDirectory"]),
            start_timeout=60,
        )

    def restart(self) -> None:
        self.instance.stop_gracefully()
        self.start()

    def reload(self) -> None:
        """Replace the workers."""
        workers = set(psutil.Process(self.instance.child.pid).children())
        os.kill(self.instance.child.pid, signal.SIGHUP)
        eventually(lambda: not any(worker.is_running() for worker in workers), seconds=30)

    def serves_files_of(self, release: str) -> bool:
        """Whether all static files of the page are this release's, and complete."""
        collected = self.releases / release / "var" / "static"
        files = [file for file in (collected / "chat").iterdir() if file.suffix in {".css", ".js"}]
        assert len(files) > 10
        return all(self._get(f"/static/chat/{file.name}") == file.read_bytes() for file in files)

    def reads_a_document(self) -> bool:
        url, form = f"{self._url}/api/chat/analyze-document", {"file": ("lettre.txt", LETTER.encode())}
        return requests.post(url, files=form, headers=BEHIND_TLS, timeout=30).ok

    def _get(self, path: str) -> bytes:
        return requests.get(f"{self._url}{path}", headers=BEHIND_TLS, timeout=10).content

    @property
    def _url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def _environment(self) -> dict[str, str]:
        """As systemd's, without the PWD that a shell sets."""
        return {"PATH": os.environ["PATH"]}

    def _run(self, commands: str, release: str) -> None:
        command = ["bash", "-euc", self._here(commands).replace("v1.2.3", release)]
        subprocess.run(command, env=self._environment, check=True, timeout=100)

    def _here(self, text: str) -> str:
        return text.replace("/opt/chat-bff", str(self.folder / "opt")).replace("/etc/chat-bff", str(self.folder))


@pytest.fixture
def origin(tmp_path) -> Path:
    """A repository with v1.2.2, which is this checkout, and v1.2.3, with other static files and no sandbox."""
    folder: Path = tmp_path / "origin"
    for package in ("bff", "chat", "health", "observability", "templates"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", folder)
    _git(folder, "init", "--quiet")
    _commit(folder, "v1.2.2")
    for number, file in enumerate((folder / "chat" / "static" / "chat").glob("*.*s")):
        text = file.read_text()
        file.write_text(text + "/* v1.2.3 */\n" if number % 2 else text[: len(text) // 2])
    (folder / "chat" / "documents" / "sandbox" / "__main__.py").write_text("raise SystemExit(1)")
    _commit(folder, "v1.2.3")
    return folder


def _commit(folder: Path, tag: str) -> None:
    _git(folder, "add", "--all")
    _git(folder, "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "--message", tag)
    _git(folder, "tag", tag)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", folder, *arguments], check=True, timeout=60)


@pytest.fixture
def machine(ai, few_entries, tmp_path, origin) -> Iterator[Machine]:
    """An instance of v1.2.2 is running."""
    computer = Machine(tmp_path, origin)
    computer.prepare("v1.2.2")
    computer.switch_to("v1.2.2")
    computer.start()
    yield computer
    computer.instance.stop()


def test_an_instance_stays_in_its_release_until_its_restart(machine):
    machine.prepare("v1.2.3")
    machine.switch_to("v1.2.3")
    assert machine.serves_files_of("v1.2.2")
    machine.reload()
    assert machine.serves_files_of("v1.2.2")
    assert machine.reads_a_document()

    machine.restart()
    assert machine.serves_files_of("v1.2.3")
    assert not machine.reads_a_document()

    machine.switch_to("v1.2.2")
    machine.restart()
    assert machine.serves_files_of("v1.2.2")
    assert machine.reads_a_document()
