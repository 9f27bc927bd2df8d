"""Measures how each hostile file ends, for docs/documents.md: `DEBUG=1 python -m tests.chat.table_of_papers`."""

from __future__ import annotations

import os
import time

import django

from tests.chat import hostile, watching


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff.settings")
    os.environ.setdefault("LOG_LEVEL", "error")
    django.setup()
    from chat import documents

    print("| file | size | outcome | seconds | peak memory |\n| --- | --- | --- | --- | --- |")  # noqa: T201
    for name, (make, _) in hostile.FILES.items():
        data, began = make(), time.monotonic()
        outcome = "read"
        with watching.Peak() as peak:
            try:
                documents.read(data)
            except documents.DocumentError as error:
                outcome = f"{error.status} `{error.code}`"
        took, memory = time.monotonic() - began, f"{peak.megabytes:.0f} MB" if peak.megabytes else "–"
        print(f"| {name} | {len(data):,} B | {outcome} | {took:.2f} | {memory} |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
