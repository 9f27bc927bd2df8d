"""Prints the table of hostile files in docs/documents.md: `DEBUG=1 python -m tests.chat.documents.hostile_table`."""

from __future__ import annotations

import os
import time

import django

from tests.chat.documents import hostile_files
from tests.support import document_files, sandbox_processes


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff.settings")
    os.environ.setdefault("LOG_LEVEL", "error")
    django.setup()
    from chat.documents import reading
    from chat.documents.errors import DocumentError

    print("| file | size | outcome | seconds | peak memory |\n| --- | --- | --- | --- | --- |")  # noqa: T201
    for name, (make, _) in hostile_files.FILES.items():
        data, started_at = make(), time.monotonic()
        outcome = "read"
        with sandbox_processes.PeakMemory() as peak:
            try:
                reading.read(data, document_files.SENDER)
            except DocumentError as error:
                outcome = f"{error.status} `{error.code}`"
        seconds, memory = time.monotonic() - started_at, f"{peak.megabytes:.0f} MB" if peak.megabytes else "–"
        print(f"| {name} | {len(data):,} B | {outcome} | {seconds:.2f} | {memory} |", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
