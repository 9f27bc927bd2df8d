"""Prepares the first request of `make run`: tables, knowledge base, admin account, warm cache.

Only the stand-in is asked ahead of time: another AI service costs money. WARM_ON_START=1 asks that one as well, in the
background. None of this keeps the page from being served.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from urllib.parse import urlsplit

import django
import requests
from django.conf import settings
from django.core.management import CommandError, call_command

from bff.dev.services import ROOT, VAR, is_taken

WAIT_SECONDS = 20


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff.settings")
    os.environ["LOG_LEVEL"] = "warning"  # the log of cache warming would hide the admin password
    django.setup()
    VAR.mkdir(exist_ok=True)
    _wait_for(settings.REDIS_URL)
    if settings.USES_STAND_IN:
        _wait_for(settings.AI_SERVICE_URL)
    call_command("migrate", verbosity=0, interactive=False)
    call_command("load_knowledge", verbosity=0)
    _create_admin()
    if settings.USES_STAND_IN:
        _warm_by_stand_in(settings.AI_SERVICE_URL)
    elif settings.WARM_ON_START:
        _warm_in_background()


def _wait_for(address: str) -> None:
    """Wait until the port is open, at most WAIT_SECONDS: whatever connects there reports a failure itself."""
    parts = urlsplit(address)
    if "," in parts.netloc:  # several sentinels: not started by `make run`
        return
    deadline = time.monotonic() + WAIT_SECONDS
    while parts.port and not is_taken(parts.hostname or "", parts.port) and time.monotonic() < deadline:
        time.sleep(0.05)


def _create_admin() -> None:
    from django.contrib.auth.models import User  # noqa: PLC0415 only after setup

    # Outside of development, whoever reads the log would have the account.
    if not settings.DEBUG or User.objects.filter(is_superuser=True).exists():
        return
    password = secrets.token_urlsafe(12)
    User.objects.create_superuser("admin", password=password)
    print(f"  Admin account created: admin / {password}   (shown only once)", flush=True)  # noqa: T201


def _warm_by_stand_in(address: str) -> None:
    """Warm the cache. The stand-in normally writes at reading speed; during warming it writes without delay."""
    try:
        _set_pace(address, 0)
        try:
            call_command("warm_cache", concurrency=4)
        finally:
            _set_pace(address, 40)
    except (CommandError, requests.RequestException) as error:
        print(f"  The cache is not warm, so first answers will take longer. {error}", flush=True)  # noqa: T201


def _warm_in_background() -> None:
    """Warm the cache with the configured AI service, which may be slow, unavailable, and paid for each question.

    The process stays in this process' group, which ends together.
    """
    subprocess.Popen([sys.executable, "manage.py", "warm_cache"], cwd=ROOT)


def _set_pace(ai_service: str, tokens_per_second: int) -> None:
    requests.put(f"{ai_service}/_control/pace", json={"tokens_per_second": tokens_per_second}, timeout=2)


if __name__ == "__main__":
    main()
