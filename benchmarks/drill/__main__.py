"""`make drill`: inject faults under a steady load, and measure what clients get.

It starts two instances with their own Redis, PostgreSQL and stand-in AI on free loopback ports; running services are
not touched. Exit codes: 0 all objectives met, 1 some missed, 2 wrong arguments or development dependencies missing,
130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace

import orjson

from benchmarks.drill.environment import SHIPPED, SHORT_TIMES
from benchmarks.drill.faults import FAULTS
from benchmarks.drill.report import Report, describe_baseline, describe_hostile, describe_price
from benchmarks.drill.runner import DrillRunner
from benchmarks.harness.console import (
    INTERRUPTED,
    INTERRUPTED_MESSAGE,
    show_status,
    show_step,
    sigterm_as_keyboard_interrupt,
)

SECONDS = 6.0
SHORTEST, LONGEST = 1.0, 60.0
HOSTILE_MINUTES, SHORTEST_HOSTILE, LONGEST_HOSTILE = 2.0, 0.1, 120.0
LOWEST_RATE, HIGHEST_RATE = 0.1, 100.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the drill and print its report. Returns the exit code; wrong arguments raise SystemExit(2)."""
    options = _parse(arguments)
    faults = [
        replace(fault, seconds=options.minutes * 60) if fault.budget else fault
        for fault in FAULTS
        if not options.only or fault.name in options.only
    ]
    try:
        # stdout is for the report alone.
        with redirect_stdout(sys.stderr), sigterm_as_keyboard_interrupt():
            report = DrillRunner(
                faults,
                options.seconds,
                show_step,
                show_status,
                rates=options.rate or (),
                settings=SHORT_TIMES if options.short else SHIPPED,
            ).run()
    except ModuleNotFoundError as error:
        show_step(f"The drill needs {error.name}. It comes with requirements-dev.lock, which `make drill` installs.")
        return 2
    except KeyboardInterrupt:
        show_step(INTERRUPTED_MESSAGE)
        return INTERRUPTED
    print(orjson.dumps(report.as_dict(), option=orjson.OPT_INDENT_2).decode() if options.json else _as_text(report))
    if report.missed:
        show_step("Missed:\n" + "\n".join(f"- {miss}" for miss in report.missed))
        return 1
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = [fault.name for fault in FAULTS]
    parser = argparse.ArgumentParser(prog="drill", description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument(
        "--only",
        action="append",
        choices=names,
        metavar="FAULT",
        help=f"only this fault (may be repeated): {', '.join(names)}",
    )
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="duration of each fault without its own (default %(default)g)"
    )
    parser.add_argument(
        "--rate",
        action="append",
        type=float,
        metavar="QUESTIONS",
        help="questions a second (may be repeated); default: 5, and 0.2, 5 and 50 for the outages of the AI",
    )
    parser.add_argument(
        "--minutes", type=float, default=HOSTILE_MINUTES, help="duration of hostile-visitor (default %(default)g)"
    )
    parser.add_argument("--short", action="store_true", help="short times in place of the shipped ones")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    if not SHORTEST <= options.seconds <= LONGEST:
        parser.error(f"--seconds must be from {SHORTEST:g} to {LONGEST:g}")
    if not SHORTEST_HOSTILE <= options.minutes <= LONGEST_HOSTILE:
        parser.error(f"--minutes must be from {SHORTEST_HOSTILE:g} to {LONGEST_HOSTILE:g}")
    if not all(LOWEST_RATE <= rate <= HIGHEST_RATE for rate in options.rate or ()):
        parser.error(f"--rate must be from {LOWEST_RATE:g} to {HIGHEST_RATE:g}")
    return options


def _as_text(report: Report) -> str:
    sentences = (
        describe_baseline(report.baseline),
        describe_price(report.faults),
        describe_hostile(report.faults),
        f"The drill took {report.seconds:.0f} s.",
    )
    return f"\n{report.as_table()}\n\n{' '.join(filter(None, sentences))}"


if __name__ == "__main__":
    sys.exit(main())
