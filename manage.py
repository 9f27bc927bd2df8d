#!/usr/bin/env python
"""Django's command line for chat-bff."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

from bff.dev import running
from observability import logs


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff.settings")
    if not os.environ.get("SECRET_KEY"):  # whoever sets it addresses another instance
        for name, value in running.settings().items():
            os.environ.setdefault(name, value)
    logs.use_stderr()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
