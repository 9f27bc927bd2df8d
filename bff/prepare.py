"""What must be true before the first request of `make run`: tables, knowledge, an admin account, a warm cache."""

from __future__ import annotations

import os
import secrets
import time
from urllib.parse import urlsplit

import django
import requests
from django.core.management import call_command

from bff.ports import is_taken

WAIT_SECONDS = 20


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff.settings")
    os.environ["LOG_LEVEL"] = "warning"  # a thousand lines about warming would hide the one with the password
    django.setup()
    from django.conf import settings  # noqa: PLC0415 only after setup

    (settings.BASE_DIR / "var").mkdir(exist_ok=True)
    _wait_for(settings.REDIS_URL)
    _wait_for(settings.AI_SERVICE_URL)
    call_command("migrate", verbosity=0, interactive=False)
    call_command("load_knowledge", verbosity=0)
    _make_admin()
    _warm(settings.AI_SERVICE_URL, is_ours="AI_SERVICE_URL" not in os.environ)


def _wait_for(address: str) -> None:
    """Until something listens there; what uses it says so itself when nothing ever does."""
    parts = urlsplit(address)
    if "," in parts.netloc:  # several sentinels: nothing that this command started
        return
    deadline = time.monotonic() + WAIT_SECONDS
    while parts.port and not is_taken(parts.hostname or "", parts.port) and time.monotonic() < deadline:
        time.sleep(0.05)


def _make_admin() -> None:
    from django.contrib.auth.models import User  # noqa: PLC0415 only after setup

    if User.objects.filter(is_superuser=True).exists():
        return
    password = secrets.token_urlsafe(12)
    User.objects.create_superuser("admin", password=password)
    print(f"  Admin account made: admin / {password}   (shown only this once)", flush=True)  # noqa: T201


def _warm(ai_service: str, *, is_ours: bool) -> None:
    """The stand-in writes as fast as a person reads; while nobody reads it may hurry."""
    if is_ours:
        _pace(ai_service, 0)
    try:
        call_command("warm_cache", concurrency=4)
    except SystemExit:
        print("  The cache is not warm: answers will come, a little later.", flush=True)  # noqa: T201
    finally:
        if is_ours:
            _pace(ai_service, 40)


def _pace(ai_service: str, tokens_per_second: int) -> None:
    requests.put(f"{ai_service}/_control/pace", json={"tokens_per_second": tokens_per_second}, timeout=2)


if __name__ == "__main__":
    main()
