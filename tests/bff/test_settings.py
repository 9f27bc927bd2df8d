"""Settings: read from the environment, validated at start; each test runs a new process."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from bff.environment import Environment
from bff.renamed_settings import NEW_NAMES, copy_to_new_names
from bff.server import startup_checks
from chat.checks import is_public
from tests.support import commands
from tests.support.certificates import self_signed
from tests.support.gunicorn import gunicorn_setting
from tests.support.requirements import skip_or_fail
from tests.support.services import ROOT, free_port

PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "production-key-0123456789-" * 3,
    "ALLOWED_HOSTS": "chat.example.org",
    "SUPABASE_JWT_SECRET": "s" * 40,
}


def manage(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return commands.manage(*arguments, env={**os.environ, **PRODUCTION, **env})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("WEB_WORKERS", "0"),
        ("BREAKER_FAILURE_RATE", "1.5"),
        ("AI_DEADLINE_CHAT", "-1"),
        ("AI_SERVICE_PROTOCOL", "grpc"),
        ("LOG_LEVEL", "loud"),
        ("SUPABASE_URL", "project.supabase.co"),
        ("SUPABASE_JWT_SECRET", "shorter than its hash"),
    ],
)
def test_an_invalid_value_stops_the_start_and_is_named(name, value):
    process = manage("check", **{name: value})
    assert process.returncode != 0
    assert name in process.stderr + process.stdout


STARTS = {
    "commands": [sys.executable, "manage.py", "check"],
    "make run": [sys.executable, "-m", "bff.dev.server"],
    "gunicorn": [sys.executable, "-m", "gunicorn", "--config", "bff/server/gunicorn.conf.py"],
}


@pytest.mark.parametrize("command", STARTS.values(), ids=STARTS)
def test_however_it_is_started_it_ends_with_one_list_of_what_is_wrong(tmp_path, command):
    file = tmp_path / "settings"
    file.write_bytes(b"\xef\xbb\xbfexport PORT='http' # x\r\nREDIS_URL=redis://:hunter2@h:x\r\nLOG_LEVEL=INFO\r\n")
    env = {"PATH": os.environ["PATH"], "ENV_FILE": str(file), "SECRET_KEY": "hunter2"}
    process = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert process.returncode == 1
    first, *problems, last = process.stderr.splitlines()
    assert "does not start" in first
    assert str(file) in last
    wrong = ["PORT", "REDIS_URL"] + ([] if "bff.dev.server" in command else ["SECRET_KEY"])  # `make run` sets DEBUG
    assert [problem.partition(":")[0] for problem in problems] == [f"  - {name}" for name in wrong]
    assert "hunter2" not in process.stdout + process.stderr


def test_check_settings_shows_the_values_in_force_and_their_origin(tmp_path):
    file, token = tmp_path / "settings", tmp_path / "token"
    token.write_text("hunter2-token\n")
    file.write_text(
        "REDIS_URL=redis://:hunter2@cache.example.org/0\nDATABASE_URL=postgresql://u:hunter2@db.example.org/app\n"
        f"AI_SERVICE_URL=https://u:hunter2@ai.example.org/v1?key=hunter2\nMETRICS_TOKEN_FILE={token}\nREDIS_ULR=x\n"
    )
    env = {"PATH": os.environ["PATH"], "ENV_FILE": str(file), **PRODUCTION, "WEB_WORKERS": "3", "AI_ATTEMPTS": "2"}
    process = commands.manage("check_settings", env=env)
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in process.stdout.splitlines()}
    assert lines["WEB_WORKERS"] == "3 [environment]"
    assert lines["AI_MAX_ATTEMPTS"] == "2 [environment]"
    assert lines["PORT"] == "8000 [default]"
    assert lines["SECRET_KEY"] == "(set, withheld) [environment]"
    assert lines["METRICS_TOKEN"] == f"(set, withheld) [{file}, in {token}]"
    assert lines["REDIS_URL"] == f"redis://:***@cache.example.org/0 [{file}]"
    assert lines["DATABASE_URL"] == f"postgresql://u@db.example.org/app [{file}]"
    assert lines["AI_SERVICE_URL"] == f"https://ai.example.org/v1?… [{file}]"
    assert "hunter2" not in process.stdout + process.stderr
    assert "REDIS_ULR is set, but is not a setting. Did you mean REDIS_URL?" in process.stderr.splitlines()


def test_misspelt_names_are_reported_at_start_and_by_check_settings(tmp_path):
    file = tmp_path / "settings"
    file.write_text(
        "REDIS_URl=redis://cache.example.org\nport=9001\nAI-SERVICE-URL=https://ai.example.org\nLOG_LEVEL=info\n"
        "COMPOSE_PROJECT_NAME=chat\nOTEL_SERVICE_NAME=chat\nAI_ATTEMPTS=2\nLOG_LEVEL=warning\n"
    )
    own = {"ALLOWED_HOST": "chat.example.org", "AI_SERVICE_PORT": "tcp://10.0.0.1:80", "HOSTNAME": "chat"}
    env = {"PATH": os.environ["PATH"], "ENV_FILE": str(file), "SECRET_KEY": "k" * 40, "SUPABASE_JWT_SECRET": "s" * 40}
    process = commands.manage("check_settings", env=env | own)
    similar = {
        "AI-SERVICE-URL": "AI_SERVICE_URL",
        "ALLOWED_HOST": "ALLOWED_HOSTS",
        "REDIS_URl": "REDIS_URL",
        "port": "PORT",
    }
    lines = process.stderr.splitlines()
    records = [json.loads(line) for line in lines if line.startswith("{")]
    logged = {record["setting"]: record["replacement"] for record in records if record["message"] == "Unknown setting"}
    assert logged == similar
    told = [f"{name} is set, but is not a setting. Did you mean {setting}?" for name, setting in similar.items()]
    told.insert(2, "COMPOSE_PROJECT_NAME is set, but is not a setting.")
    told.append("LOG_LEVEL is in the file more than once; the last line is in force.")
    assert [line for line in lines if not line.startswith("{")] == told


def test_other_variables_of_the_file_are_there_for_libraries(tmp_path):
    file = tmp_path / "settings"
    file.write_text("OTEL_SERVICE_NAME=chat\nOTEL_TRACES_EXPORTER=none\n")
    environ = {"OTEL_TRACES_EXPORTER": "console", "ENV_FILE": str(file)}
    Environment.load(tmp_path / "none", environ)
    assert (environ["OTEL_SERVICE_NAME"], environ["OTEL_TRACES_EXPORTER"]) == ("chat", "console")


def test_a_secret_can_be_read_from_a_file(tmp_path):
    key = tmp_path / "key"
    key.write_text("from-a-file-" + "x" * 50)
    code = "from bff import settings; print(settings.SECRET_KEY)"
    env = {name: value for name, value in {**os.environ, **PRODUCTION}.items() if name != "SECRET_KEY"}
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**env, "SECRET_KEY_FILE": str(key)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert process.stdout.strip().startswith("from-a-file-")


def test_a_setting_is_still_read_by_its_old_name_and_a_warning_is_logged(tmp_path):
    seconds = tmp_path / "seconds"
    seconds.write_text("9")
    old = {"RUN_GRACE_SECONDS": "7", "AI_ATTEMPTS": "4", "DOCUMENT_SECONDS_FILE": str(seconds)}
    old |= {"OPENAI_DOOR_ANONYMOUS": "1"}
    new = "UNREAD_RUN_TIMEOUT_SECONDS, AI_MAX_ATTEMPTS, DOCUMENT_TIMEOUT_SECONDS, OPENAI_ALLOW_ANONYMOUS"
    code = f"from bff.settings import *; print({new})"
    env = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in NEW_NAMES.values()}
    process = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**env, **PRODUCTION, **old, "LOG_FORMAT": "json", "LOG_LEVEL": "warning"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    *warnings, values = process.stdout.splitlines()
    assert values == "7.0 4 9.0 True"
    assert [
        (line["level"], line["message"], line["setting"], line["replacement"]) for line in map(json.loads, warnings)
    ] == [
        ("warning", "Setting was renamed", "RUN_GRACE_SECONDS", "UNREAD_RUN_TIMEOUT_SECONDS"),
        ("warning", "Setting was renamed", "AI_ATTEMPTS", "AI_MAX_ATTEMPTS"),
        ("warning", "Setting was renamed", "DOCUMENT_SECONDS_FILE", "DOCUMENT_TIMEOUT_SECONDS_FILE"),
        ("warning", "Setting was renamed", "OPENAI_DOOR_ANONYMOUS", "OPENAI_ALLOW_ANONYMOUS"),
    ]


@pytest.mark.parametrize("new", ["AI_MAX_ATTEMPTS", "AI_MAX_ATTEMPTS_FILE"])
def test_the_new_name_of_a_setting_wins_over_the_old_one(new):
    environ = {"AI_ATTEMPTS": "1", new: "2"}
    assert copy_to_new_names(environ) == [("AI_ATTEMPTS", "AI_MAX_ATTEMPTS")]
    assert environ == {"AI_ATTEMPTS": "1", new: "2"}


def test_production_passes_djangos_deployment_check():
    publisher = dict.fromkeys(["PUBLISHER_NAME", "PUBLISHER_EMAIL", "HOSTING_COMPANY", "AI_COMPANY"], "Example")
    process = manage("check", "--deploy", "--fail-level", "WARNING", **publisher)
    assert process.returncode == 0, process.stderr


def test_contradicting_settings_are_reported_by_system_checks():
    process = manage(
        "check", BREAKER_OPEN_SECONDS="600", ALLOW_ANONYMOUS="0", SUPABASE_JWT_SECRET="", AI_READ_TIMEOUT_CHAT="90"
    )
    assert {"chat.E001", "chat.W001", "chat.W004"} <= set(re.findall(r"chat\.[EW]\d+", process.stderr))


def test_a_server_with_contradicting_settings_does_not_start():
    contradiction = {"AI_SERVICE_AUTH": "caller", "AI_SERVICE_PROTOCOL": "openai", "PORT": str(free_port())}
    env = {**os.environ, **PRODUCTION, **contradiction}
    process = subprocess.run(
        STARTS["gunicorn"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=40, check=False
    )
    assert process.returncode == 1
    assert "  - chat.E004: AI_SERVICE_AUTH=caller would send" in process.stderr


def test_a_server_that_is_to_serve_tls_does_not_start(tmp_path):
    command = [*STARTS["gunicorn"], "--certfile", str(self_signed(tmp_path / "server.pem"))]
    env = {**os.environ, **PRODUCTION, "PORT": str(free_port())}
    process = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=40, check=False)
    assert process.returncode == 1
    assert "TLS belongs to the proxy" in process.stderr


@pytest.mark.parametrize("debug", [True, False])
def test_the_checks_of_the_start_ask_no_database(settings, debug):
    settings.DEBUG = debug
    startup_checks.stop_if_wrong()  # without the mark django_db, a query fails the test


def test_addresses_that_only_make_run_can_do_without_are_warned_of_in_production():
    unset = {"AI_SERVICE_URL": "", "REDIS_URL": "", "DATABASE_URL": ""}
    process = manage("check", "--deploy", **unset)
    (warning,) = [line for line in process.stderr.splitlines() if "chat.W003" in line]
    assert all(name in warning for name in unset)
    assert "chat.W003" not in manage("check", "--deploy").stderr


def test_a_wait_for_the_first_words_beyond_the_deadline_is_reported():
    process = manage("check", AI_FIRST_WORDS_SECONDS="40")
    assert "AI_FIRST_WORDS_SECONDS is longer than AI_DEADLINE_CHAT" in process.stderr


def test_graceful_timeout_covers_draining_and_the_longest_response_started_meanwhile():
    """A document waits for 5 s for its reader, which takes DOCUMENT_TIMEOUT_SECONDS, before the AI is asked."""
    deadlines = {"AI_DEADLINE_ANALYZE": "90", "DOCUMENT_TIMEOUT_SECONDS": "20", "DRAIN_SECONDS": "10"}
    assert gunicorn_setting("graceful_timeout", **PRODUCTION, **deadlines) == "255"
    deadlines = {"AI_DEADLINE_CHAT": "120", "DRAIN_SECONDS": "10"}
    assert gunicorn_setting("graceful_timeout", **PRODUCTION, **deadlines) == "265"


@pytest.mark.parametrize(("workers", "requests"), [("1", "0"), ("2", "100000")])
def test_a_worker_without_others_is_never_replaced_while_it_serves_its_last_streams(workers, requests):
    assert gunicorn_setting("max_requests", **PRODUCTION, WEB_WORKERS=workers) == requests


def test_the_example_lists_exactly_the_settings_that_are_read():
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "bff" / "settings.py").read_text())) | {"ENV_FILE"}
    listed = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert read == listed


def test_no_migration_is_missing():
    assert manage("makemigrations", "--check", "--dry-run").returncode == 0


def test_a_log_file_that_root_begins_belongs_to_the_owner_of_its_folder(tmp_path):
    """Else the server could not write to it at its next start."""
    if os.geteuid():
        skip_or_fail("only root leaves files to others")
    folder = tmp_path / "log"
    folder.mkdir()
    shutil.chown(folder, "nobody")
    for command in ("check_settings", "check"):
        assert manage(command, LOG_FILE=str(folder / "chat.log"), LOG_FORMT="a setting that is logged").returncode == 0
        assert {file.owner() for file in folder.iterdir()} == {"nobody"}
    assert len([*folder.iterdir()]) == 2  # the lock, too


@pytest.mark.parametrize(("options", "is_told"), [("", True), ("?sslmode=prefer", True), ("?sslmode=require", False)])
def test_an_unencrypted_way_to_a_distant_database_is_told(options, is_told):
    process = manage(
        "check", "--deploy", DATABASE_URL=f"postgresql://u:p@db.project.supabase.co:5432/postgres{options}"
    )
    assert ("chat.W005" in process.stderr) is is_told


def test_hosts_of_this_machine_and_of_private_networks_are_not_distant():
    near = ("127.0.0.1", "::1", "10.0.0.7", "localhost", "database", "/run/a.b", "", "pg.internal")
    assert [host for host in (*near, "db.example.org", "8.8.8.8") if is_public(host)] == ["db.example.org", "8.8.8.8"]


def test_a_log_file_that_exists_and_its_lock_keep_their_owner_whosever_the_folder_is(tmp_path):
    if os.geteuid():
        skip_or_fail("only root leaves files to others")
    file = tmp_path / "chat.log"
    file.touch()
    shutil.chown(file, "nobody")
    assert manage("check", LOG_FILE=str(file), LOG_FORMT="a setting that is logged").returncode == 0
    assert [each.owner() for each in tmp_path.iterdir()] == ["nobody"] * 2


def test_root_that_may_leave_no_file_to_others_keeps_the_log_file(tmp_path):
    """A container without the capability, or a network share."""
    if os.geteuid():
        skip_or_fail("only root leaves files to others")
    shutil.chown(tmp_path, "nobody")
    file = tmp_path / "chat.log"
    limited = ["setpriv", "--bounding-set", "-chown", sys.executable, "manage.py", "check"]
    env = {**os.environ, **PRODUCTION, "LOG_FILE": str(file), "LOG_FORMT": "a setting that is logged"}
    process = subprocess.run(limited, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert process.returncode == 0, process.stderr
    assert file.owner() == "root"
