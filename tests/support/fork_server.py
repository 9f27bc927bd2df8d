"""Starts instances and commands from a process that has imported their libraries already: in half the time.

For instances, the process is patched by gevent first, as the gunicorn configuration does. It imports third-party
packages, and of the project the modules of patterns and words, whose compilation takes half a second: they read neither
the environment nor settings. The rest of the project and prometheus-client do when they are imported, which each
instance and command does itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name

from tests.support.processes import ROOT

PROGRAMS = {"gunicorn": "gunicorn.app.wsgiapp:run", "manage.py": "manage:main"}

LIBRARIES = (
    "annotated_types", "concurrent_log_handler", "django.contrib.admin",
    "django.contrib.auth.hashers", "django.contrib.staticfiles.storage", "django.core.management", "django.core.wsgi",
    "django.db.backends.postgresql.base", "django.db.migrations.operations", "django.db.models", "django.forms",
    "django.middleware.csrf", "django.middleware.gzip", "django.middleware.locale", "django.shortcuts",
    "django.template", "django.views.i18n", "django_redis", "dotenv", "filetype", "frontmatter", "gunicorn.app.wsgiapp",
    "gunicorn.workers.ggevent", "health_check", "httptools", "jwt", "limits", "markdown_it", "nh3", "orjson", "psutil",
    "psycopg", "psycopg_pool", "pydantic.main", "pydantic.networks", "pydantic.type_adapter", "redis", "requests",
    "segno", "stdnum.iso7064.mod_97_10", "stdnum.luhn", "structlog", "tantivy", "tenacity", "whitenoise.base", "yaml",
)  # fmt: skip
# Of the project, what depends on nothing outside its own files.
PATTERNS = (
    "chat.core.events", "chat.core.links", "chat.core.long_date", "chat.core.markdown", "chat.core.question",
    "chat.documents.extraction", "chat.documents.kinds", "chat.pipeline.distress",
)  # fmt: skip
POLL_SECONDS = 0.01


class ForkServer:
    """The process that forks, for one of PROGRAMS. It ends with this one."""

    def __init__(self, program: str, folder: Path) -> None:
        self._folder = folder  # for the exit codes
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fork_server", program, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )

    def start(self, arguments: Sequence[str], env: Mapping[str, str], output: Path, errors: Path) -> ForkedProcess:
        """Run the program with these arguments in a process group of its own; `errors` may be the same as `output`."""
        assert self._process.stdin
        assert self._process.stdout
        order = {"arguments": list(arguments), "env": dict(env), "output": str(output), "errors": str(errors)}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        return ForkedProcess(pid, self._folder / str(pid))

    def stop(self) -> None:
        self._process.communicate()


class ForkedProcess:
    """What tests need of a `subprocess.Popen`, for a process that another one forked."""

    def __init__(self, pid: int, exit_code: Path) -> None:
        self.pid, self._exit_code = pid, exit_code

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        return int(self._exit_code.read_text()) if self._exit_code.exists() else None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code. Raises subprocess.TimeoutExpired."""
        deadline = time.monotonic() + (timeout or float("inf"))
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(POLL_SECONDS)
        return code

    def terminate(self) -> None:
        os.kill(self.pid, 15)


def serve(program: str, exit_codes: Path) -> None:
    """Fork for each line of standard input and print the process id, until the input ends."""
    import select

    poll = select.poll()
    poll.register(sys.stdin.buffer.fileno(), select.POLLIN)
    while True:
        if poll.poll(1000 * POLL_SECONDS):
            line = sys.stdin.buffer.readline()
            if not line:
                return
            order = json.loads(line)
            if (pid := os.fork()) == 0:
                _run(program, **order)
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()
        _save_exit_codes(exit_codes)


def _save_exit_codes(folder: Path) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        unfinished = folder / f"{pid}.new"
        unfinished.write_text(str(os.waitstatus_to_exitcode(status)))
        unfinished.rename(folder / str(pid))


def _run(program: str, arguments: list[str], env: dict[str, str], output: str, errors: str) -> None:
    """Become that program."""
    os.setsid()
    os.environ.clear()
    os.environ.update(env)
    for number, file in ((1, output), (2, errors)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = [program, *arguments]
    sys.exit(resolve_name(PROGRAMS[program])())


if __name__ == "__main__":
    chosen, folder = sys.argv[1], Path(sys.argv[2])
    if chosen == "gunicorn":
        from gevent import monkey

        monkey.patch_all()
    for library in LIBRARIES:
        import_module(library)
    # The first instance compiles the project for all, also where nothing may be written beside the source.
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(folder / "bytecode")
    for module in PATTERNS:
        import_module(module)
    assert not {"bff.settings", "chat.models", "observability.metrics", "prometheus_client"} & sys.modules.keys()
    serve(chosen, folder)
