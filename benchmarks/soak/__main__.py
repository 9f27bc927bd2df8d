"""`make soak`: ten minutes of mixed load with occasional faults. Does a resource grow, is a request unanswered?

Growth can be judged after five minutes only. It starts two instances with their own Redis, PostgreSQL and stand-in AI
on free loopback ports.
Exit codes: 0 nothing grew, 1 something grew or a request was not answered, 2 wrong arguments, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import redirect_stdout

from benchmarks.harness.console import (
    INTERRUPTED,
    INTERRUPTED_MESSAGE,
    show_status,
    show_step,
    sigterm_as_keyboard_interrupt,
)
from benchmarks.soak.runner import SoakRunner

SECONDS = 600.0
SHORTEST, LONGEST = 30.0, 24 * 3600.0


def main() -> int:
    options = _parse_arguments()
    try:
        with redirect_stdout(sys.stderr), sigterm_as_keyboard_interrupt():  # stdout is for the report alone
            report = SoakRunner(options.seconds, show_step, show_status).run()
    except KeyboardInterrupt:
        show_step(INTERRUPTED_MESSAGE)
        return INTERRUPTED
    show_step("")
    print(json.dumps(report.as_dict(), indent=2) if options.json else report.as_text())
    return 1 if report.missed else 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=SECONDS, help="duration (default %(default)g)")
    parser.add_argument("--json", action="store_true", help="print the report, samples included, as JSON")
    options = parser.parse_args()
    if not SHORTEST <= options.seconds <= LONGEST:
        parser.error(f"--seconds must be from {SHORTEST:g} to {LONGEST:g}")
    return options


if __name__ == "__main__":
    sys.exit(main())
