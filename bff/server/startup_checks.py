"""Django's system checks at the start of the server, which gunicorn itself doesn't run."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.checks import ERROR, WARNING, run_checks

from observability import logs

log = logs.get_logger(__name__)


def stop_if_tls(config: Any) -> None:
    """End the program if gunicorn is to serve TLS: this worker would serve plain HTTP on that port."""
    if config.is_ssl:
        sys.exit(
            "chat-bff does not start with --certfile or --keyfile: it speaks plain HTTP, and TLS belongs to the proxy"
            " in front of it (docs/deploy/nginx.conf). Leave both options out."
        )


def stop_if_wrong() -> None:
    """End the program with a list of the checks that fail, on stderr; log the ids of those that warn.

    No check asks the database: an instance starts without one.
    """
    found = [each for each in run_checks(include_deployment_checks=not settings.DEBUG) if not each.is_silenced()]
    for code in sorted({str(each.id) for each in found if WARNING <= each.level < ERROR}):
        log.warning("System check warns: see `manage.py check --deploy`", code=code)
    if wrong := [f"  - {each.id}: {each.msg} {each.hint or ''}".rstrip() for each in found if each.level >= ERROR]:
        sys.exit("\n".join([f"chat-bff does not start, because {len(wrong)} of its system checks fail:", *wrong]))
