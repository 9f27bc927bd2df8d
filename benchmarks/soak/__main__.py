"""`make soak`: ten minutes of mixed load with faults now and then; does anything grow, is anybody left unanswered?

One of less than five minutes tells only the latter. Two instances are started, with a Redis, a PostgreSQL and a
stand-in AI of their own, on loopback ports that are free.
Exit codes: 0 nothing grew, 1 something did or somebody was not answered, 2 wrong arguments, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from contextlib import redirect_stdout
from types import FrameType

SECONDS = 600.0
SHORTEST, LONGEST = 30.0, 24 * 3600.0
STOPPED = 130


def main() -> int:
    wanted = _arguments()
    os.environ |= {"DEBUG": "1", "LOG_LEVEL": "warning", "DJANGO_SETTINGS_MODULE": "bff.settings"}
    import django  # noqa: PLC0415 after its settings are chosen; nothing runs with them here

    django.setup()
    from benchmarks.soak.story import Soak  # noqa: PLC0415 likewise

    signal.signal(signal.SIGTERM, _ctrl_c)
    progress = Progress()
    try:
        with redirect_stdout(sys.stderr):  # stdout is for the report alone
            report = Soak(wanted.seconds, progress.announce, progress.tick).run()
    except KeyboardInterrupt:
        progress.announce("Stopped, with all that it had started.")
        return STOPPED
    progress.announce("")
    print(json.dumps(report.as_dict(), indent=2) if wanted.json else report.as_text())
    return 1 if report.missed else 0


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(prog="soak", description=__doc__.split("\n\n", maxsplit=1)[0])
    arguments.add_argument("--seconds", type=float, default=SECONDS, help="how long (default %(default)g)")
    arguments.add_argument("--json", action="store_true", help="print the report, samples included, as JSON")
    wanted = arguments.parse_args()
    if not SHORTEST <= wanted.seconds <= LONGEST:
        arguments.error(f"--seconds must be from {SHORTEST:g} to {LONGEST:g}")
    return wanted


def _ctrl_c(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class Progress:
    """On a terminal one line that changes every second; elsewhere a line for each step."""

    def announce(self, step: str) -> None:
        print(f"\r\x1b[K{step}" if sys.stderr.isatty() else step, file=sys.stderr, flush=True)

    def tick(self, state: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K  {state}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
