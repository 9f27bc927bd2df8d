"""Code in the sandbox can't read, write, signal or connect: on this kernel, and with the Landlock of older ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from chat.documents.sandbox import landlock
from tests.support.processes import ROOT
from tests.support.requirements import skip_or_fail

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux has these restrictions")

ALLOWED = {"read the program", "start a program", "arithmetic"}
READING = {"read a file", "read the passwords' file", "list a folder", "read the worker's environment"}
NO_LANDLOCK, NEWEST = 0, 99
USER = 54867  # of no other process


def outcomes(folder: Path, version: int, *started_by: str) -> dict[str, str]:
    (folder / "secret").write_text("canary")
    command = [*started_by, sys.executable, "-m", "tests.chat.documents.confined_program", str(folder), str(version)]
    result = subprocess.run(command, capture_output=True, cwd=ROOT, check=True, text=True)
    found: dict[str, str] = json.loads(result.stdout)
    assert (folder / "secret").read_text() == "canary"
    assert [path.name for path in folder.iterdir()] == ["secret"]
    return found


@pytest.mark.skipif(landlock.version() < 1, reason="this kernel has no Landlock")
@pytest.mark.parametrize("version", [NEWEST, 1])
def test_only_the_program_can_be_read_and_nothing_written_signalled_or_reached(tmp_path, version) -> None:
    """With every version of Landlock: seccomp denies the operations that older versions don't cover."""
    found = outcomes(tmp_path, version)
    assert {name for name, outcome in found.items() if outcome == "done"} == ALLOWED
    assert found["fork 200 times"] == "EAGAIN"


def test_without_landlock_files_can_be_read_but_all_else_stays_refused(tmp_path) -> None:
    done = {name for name, outcome in outcomes(tmp_path, NO_LANDLOCK).items() if outcome == "done"}
    assert ALLOWED < done <= ALLOWED | READING


@pytest.mark.skipif(landlock.version() < 1, reason="this kernel has no Landlock")
def test_the_settings_beside_the_program_cannot_be_read() -> None:
    program = (
        "import sys; from pathlib import Path; from chat.documents.sandbox import landlock; landlock.restrict()\n"
        "for name in sys.argv[1:]:\n"
        "    try: list(Path(name).iterdir()) if Path(name).is_dir() else Path(name).read_bytes(); print(name)\n"
        "    except PermissionError: pass"
    )
    names = [str(ROOT), str(ROOT / "pyproject.toml"), str(ROOT / "bff" / "settings.py"), "/proc/1/environ", "/tmp"]
    result = subprocess.run(
        [sys.executable, "-c", program, *names], capture_output=True, cwd=ROOT, check=True, text=True
    )
    assert result.stdout == ""


def test_tasks_of_other_containers_with_the_same_user_do_not_count() -> None:
    """The kernel counts them; /proc of this container doesn't have them."""
    container = ["unshare", "--pid", "--fork", "--mount-proc"]
    if os.geteuid() or subprocess.run([*container, "true"], capture_output=True, check=False).returncode:
        skip_or_fail("only root can start a container")
    as_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    with TemporaryDirectory() as folder, neighbour(as_user):
        shutil.chown(folder, USER)
        found = outcomes(Path(folder), NO_LANDLOCK, *container, *as_user)
    assert found["start a program"] == "done"
    assert found["fork 200 times"] == "EAGAIN"


@contextmanager
def neighbour(as_user: list[str]) -> Iterator[None]:
    """A program with 300 threads."""
    threads = "import threading\nfor _ in range(300): threading.Thread(target=input, daemon=True).start()\n"
    program = [*as_user, sys.executable, "-c", f"{threads}print(flush=True); threading.Event().wait()"]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            assert process.stdout.readline()
            yield
        finally:
            process.kill()
