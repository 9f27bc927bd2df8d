"""Settings: typed, from the environment, refused when wrong; production is checked in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.services import ROOT

PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "production-key-0123456789-" * 3,
    "ALLOWED_HOSTS": "chat.example.org",
    "SUPABASE_JWT_SECRET": "s" * 40,
}


def manage(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **PRODUCTION, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


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
def test_a_wrong_value_refuses_to_start_and_says_which(name, value):
    process = manage("check", **{name: value})
    assert process.returncode != 0
    assert name in process.stderr + process.stdout


def test_production_without_a_secret_key_refuses_to_start():
    process = manage("check", SECRET_KEY="")
    assert process.returncode != 0


def test_secrets_may_come_from_files(tmp_path):
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


def test_production_passes_djangos_deployment_check():
    process = manage("check", "--deploy", "--fail-level", "WARNING")
    assert process.returncode == 0, process.stderr


def test_rules_between_settings_are_checked():
    process = manage(
        "check", BREAKER_OPEN_SECONDS="600", ALLOW_ANONYMOUS="0", SUPABASE_JWT_SECRET="", AI_READ_TIMEOUT_CHAT="90"
    )
    assert {"chat.E001", "chat.E003", "chat.W001"} <= set(re.findall(r"chat\.[EW]\d+", process.stderr))


def test_a_worker_is_given_the_time_to_drain_and_to_end_the_longest_answer_begun_meanwhile():
    process = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--config", "bff/gunicorn.conf.py", "--print-config"],
        cwd=ROOT,
        env={**os.environ, **PRODUCTION, "AI_DEADLINE_CHAT": "30", "AI_DEADLINE_ANALYZE": "90", "DRAIN_SECONDS": "10"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert re.search(r"^graceful_timeout\s*= 205$", process.stdout, re.MULTILINE)


def test_every_setting_is_listed_in_the_example_and_nothing_else():
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "bff" / "settings.py").read_text()))
    listed = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert read == listed


def test_no_migration_is_missing():
    assert manage("makemigrations", "--check", "--dry-run").returncode == 0
