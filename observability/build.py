"""Which program this is: its version, and the commit it was built from."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from functools import cache

from django.conf import settings

VERSION = "0.1.0"  # as in pyproject.toml, which the image doesn't have


@cache
def commit() -> str:
    """BUILD_COMMIT, else the first characters of git's; empty without both."""
    if settings.BUILD_COMMIT:
        return str(settings.BUILD_COMMIT)
    # The checkout may belong to root and this process to a user of its own: git would refuse to read it.
    folder = str(settings.BASE_DIR)
    command = ["git", "-C", folder, "-c", f"safe.directory={folder}", "rev-parse", "--short=12", "HEAD"]
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=2).stdout.strip()  # noqa: S603 fixed
    return ""


def full_version() -> str:
    """Version and commit as semantic versioning writes them: 0.1.0+3f2a1b4c5d6e."""
    return f"{VERSION}+{commit()}" if commit() else VERSION
