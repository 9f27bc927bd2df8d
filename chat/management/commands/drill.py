"""`manage.py drill`: let everything go wrong on purpose, and see what people get.

It starts two instances of its own, with their own Redis, PostgreSQL and stand-in AI, on loopback ports that are free;
nothing that runs already is touched. Exit codes: 0 all objectives met, 1 some missed, 2 wrong arguments or nothing to
run it with, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from types import FrameType
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.drill.faults import FAULTS
from chat.drill.rehearsal import Rehearsal
from chat.drill.report import latencies, price_of_freezing

SECONDS = 6.0
STOPPED = 130
PLAIN = str  # as it is: Django's stderr is red


class Command(BaseCommand):
    help = "Put each fault under a steady load, on instances of its own, and measure what people get."
    requires_system_checks = []  # it runs nothing with these settings

    def add_arguments(self, parser: CommandParser) -> None:
        names = [fault.name for fault in FAULTS]
        parser.add_argument(
            "--only",
            action="append",
            choices=names,
            metavar="FAULT",
            help=f"only this one (may be repeated): {', '.join(names)}",
        )
        parser.add_argument("--seconds", type=float, default=SECONDS, help="how long each lasts (default %(default)g)")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["seconds"] <= 60:
            raise CommandError("--seconds must be from 1 to 60.", returncode=2)
        faults = [fault for fault in FAULTS if not options["only"] or fault.name in options["only"]]
        progress = Progress(self.stderr)
        try:
            # Log lines go to stdout; here that is for the report alone.
            with redirect_stdout(sys.stderr), _sigterm_is_ctrl_c():
                report = Rehearsal(faults, options["seconds"], progress.announce, progress.tick).run()
        except ModuleNotFoundError as error:
            raise CommandError(
                f"The drill needs {error.name}. It comes with requirements-dev.lock, which `make drill` installs.",
                returncode=2,
            ) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped, with all that it had started.", returncode=STOPPED) from None
        if options["json"]:
            self.stdout.write(orjson.dumps(report.as_dict(), option=orjson.OPT_INDENT_2).decode())
        else:
            said = (latencies(report.calm), price_of_freezing(report.rows), f"The drill took {report.seconds:.0f} s.")
            self.stdout.write(f"\n{report.as_table()}\n\n{' '.join(filter(None, said))}")
        if report.missed:
            raise CommandError("Missed:\n" + "\n".join(f"- {miss}" for miss in report.missed), returncode=1)


class Progress:
    """On a terminal one line that changes every second; elsewhere a line for each step."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.is_terminal = stream.isatty()

    def announce(self, step: str) -> None:
        self.stream.write(f"\r\x1b[K{step}" if self.is_terminal else step, PLAIN)

    def tick(self, state: str) -> None:
        if self.is_terminal:
            self.stream.write(f"\r\x1b[K  {state}", PLAIN, ending="")
            self.stream.flush()


@contextmanager
def _sigterm_is_ctrl_c() -> Iterator[None]:
    """Whoever ends the drill, it takes down what it has started."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
