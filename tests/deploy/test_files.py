"""What docs/deploy says of the program is true: paths, commands, settings, times."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys

import yaml
from django.core.management import load_command_class

from tests.missing import missing
from tests.services import ROOT

DEPLOY = ROOT / "docs" / "deploy"
POSTGRES_OWN = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"}  # what its image is told


def read(name: str) -> str:
    return (DEPLOY / name).read_text()


def seconds_granted(pattern: str, name: str) -> int:
    found = re.search(pattern, read(name), re.MULTILINE)
    assert found
    return int(found[1])


def graceful_timeout() -> int:
    """gunicorn's, with the default settings."""
    command = [sys.executable, "-m", "gunicorn", "--config", "bff/gunicorn.conf.py", "--print-config"]
    printed = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=60, check=True)
    found = re.search(r"^graceful_timeout\s*= (\d+)$", printed.stdout, re.MULTILINE)
    assert found
    return int(found[1])


def test_whoever_stops_it_grants_the_time_that_draining_may_take():
    needed = graceful_timeout()
    assert seconds_granted(r"^TimeoutStopSec=(\d+)$", "chat-bff@.service") > needed
    assert seconds_granted(r"stop_grace_period: (\d+)s$", "compose.yaml") > needed
    assert seconds_granted(r"terminationGracePeriodSeconds: (\d+)$", "README.md") > needed
    assert f"{needed} s by default" in read("README.md")


def test_the_image_has_all_that_the_program_is_made_of():
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", read("Dockerfile"), re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert all((ROOT / source).exists() for source in copied)
    let_in = {line.removeprefix("!") for line in read("Dockerfile.dockerignore").splitlines() if line.startswith("!")}
    assert let_in == copied
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks", "ai_service"}
    assert rooms | {"templates", "manage.py", "requirements.lock"} == copied


def test_the_image_can_collect_the_pages_files(tmp_path):
    """The command of the Dockerfile, in a copy of what the image holds."""
    (line,) = re.findall(r"^RUN (SECRET_KEY=.*collectstatic.*)$", read("Dockerfile"), re.MULTILINE)
    for name in ("chat", "health", "observability", "templates"):
        (tmp_path / name).symlink_to(ROOT / name)
    # These two find the program's folder by where they lie themselves, links resolved.
    shutil.copytree(ROOT / "bff", tmp_path / "bff")
    shutil.copy(ROOT / "manage.py", tmp_path)
    *assignments, _python = shlex.split(line.partition(" manage.py")[0])
    env = {"PATH": os.environ["PATH"], **dict(each.split("=", 1) for each in assignments)}
    command = [sys.executable, "manage.py", *shlex.split(line.partition(" manage.py ")[2])]
    subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, timeout=120, check=True)
    assert (tmp_path / "var" / "static" / "chat" / "style.css.gz").exists()


def test_the_image_takes_what_a_bare_machine_is_given():
    """The tests run there with what CI installs by the same names."""
    (installed,) = re.findall(r"apt-get install -y --no-install-recommends (.+?) \\", read("Dockerfile"))
    assert f'"{installed}"' in (ROOT / ".ci" / "run").read_text()
    (packages,) = re.findall(r"pip install --no-cache-dir (.+)$", read("Dockerfile"), re.MULTILINE)
    assert f"pip install {packages}" in (ROOT / "README.md").read_text()
    (pythons,) = {*re.findall(r"^FROM python:([\d.]+)-slim", read("Dockerfile"), re.MULTILINE)}
    assert f'requires-python = ">={pythons}"' in (ROOT / "pyproject.toml").read_text()


def test_all_settings_that_are_named_exist():
    for file in DEPLOY.iterdir():
        named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", file.read_text()))
        assert named - settings() <= POSTGRES_OWN, file.name


def test_the_composition_gives_settings_that_exist():
    services = yaml.safe_load(read("compose.yaml"))["services"]
    assert set(services["web"]["environment"]) <= settings()
    assert services["prepare"]["environment"] == services["web"]["environment"]
    assert services["prepare"]["build"] == services["web"]["build"]
    assert set(services["database"]["environment"]) == POSTGRES_OWN


def settings() -> set[str]:
    return set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_systemd_accepts_the_units(tmp_path):
    """In copies that name this checkout; a template needs an instance."""
    if (verifier := shutil.which("systemd-analyze")) is None:
        missing("systemd-analyze is not installed (Debian's package systemd)")
    units = [tmp_path / unit.name.replace("@.", "@8001.") for unit in DEPLOY.glob("chat-bff*.*")]
    assert len(units) == 3
    for unit in units:
        documented = read(unit.name.replace("@8001.", "@."))
        assert "/opt/chat-bff" in documented or unit.suffix == ".timer"
        unit.write_text(documented.replace("/opt/chat-bff", str(ROOT)))
    done = subprocess.run([verifier, "verify", *units], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_commands_of_units_composition_and_readme_exist():
    said = "".join(read(name) for name in ("chat-bff-warm-cache.service", "compose.yaml", "README.md", "Dockerfile"))
    commands = set(re.findall(r"manage\.py (\w+)", said))
    assert {"warm_cache", "migrate", "load_knowledge", "collectstatic"} <= commands
    ours = {path.stem for path in (ROOT / "chat" / "management" / "commands").glob("*.py")}
    assert commands - {"migrate", "collectstatic"} <= ours


def test_the_nights_command_is_given_options_that_it_has():
    (line,) = re.findall(
        r"^ExecStart=\S+ manage\.py warm_cache (.+)$", read("chat-bff-warm-cache.service"), re.MULTILINE
    )
    options = load_command_class("chat", "warm_cache").create_parser("manage.py", "warm_cache").parse_args(line.split())
    assert (options.rate, options.wait) == (2, True)


def test_nginx_never_repeats_a_post_that_was_sent():
    directives = [line for line in read("nginx.conf").splitlines() if not line.strip().startswith("#")]
    (rule,) = [line.strip() for line in directives if "proxy_next_upstream " in line]
    assert rule == "proxy_next_upstream error timeout;"
