"""`manage.py breaker`: look at the fleet's circuit breakers, and drive them.

breaker list                                             what state each is in
breaker open chat --reason "provider moves" --for 10m    refuse every call, then probe
breaker close chat --reason "false alarm"                let every call through, until reset
breaker reset chat                                       back to the rules, failures forgotten
breaker history chat                                     the last 50 changes

Exits with 2 for a wrong command and with 1 when Redis is away: a state that one process knows means nothing.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import re
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.upstream import breakers
from chat.upstream.breaker import Snapshot, StoreUnavailable

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Command(BaseCommand):
    help = "Show, force open or closed, or reset the circuit breakers that guard the AI service."
    requires_system_checks = []  # in an emergency it works, whatever else is wrong

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|open|close|reset|history")
        for verb, summary in [("list", "what state each is in"), ("history", "the last changes, newest first")]:
            look = verbs.add_parser(verb, help=summary)
            _add_common(look, name_count="?")
        for verb, summary in [("open", "refuse every call"), ("close", "let every call through")]:
            force = verbs.add_parser(verb, help=summary)
            _add_common(force)
            force.add_argument("--reason", type=_text, required=True, help="why; it stays in the history")
            force.add_argument("--for", type=_seconds, dest="seconds", help="90s, 10m, 2h or 1d; left out: until reset")
            force.add_argument("--who", default=_os_user(), help="left out: the user of this machine")
        reset = verbs.add_parser("reset", help="end a forced state, forget failures")
        _add_common(reset)
        reset.add_argument("--reason", default="", help="why; it stays in the history")
        reset.add_argument("--who", default=_os_user(), help="left out: the user of this machine")

    def handle(self, *, verb: str, name: str | None, **options: Any) -> None:
        if name not in {None, *breakers.NAMES}:
            raise CommandError(f"no breaker is named {name!r}, only {', '.join(breakers.NAMES)}", returncode=2)
        with redirect_stdout(sys.stderr):  # log lines go to stdout; here that is for the answer alone
            if verb in {"open", "close", "reset"}:
                _change(verb, str(name), options)
            snapshots = [_shared_state(each) for each in ([name] if name else breakers.NAMES)]
        if options["json"]:
            self.stdout.write(json.dumps([snapshot.as_dict() for snapshot in snapshots], indent=2, ensure_ascii=False))
        else:
            rows = _history_rows(snapshots) if verb == "history" else [_row(snapshot) for snapshot in snapshots]
            self.stdout.write(_table(rows) if rows else "Nothing has changed yet.")


def _change(verb: str, name: str, options: dict[str, Any]) -> None:
    breaker = breakers.get(name)
    who, reason = options["who"], options["reason"]
    try:
        if verb == "reset":
            breaker.reset(who=who, reason=reason)
        else:
            breaker.force("open" if verb == "open" else "closed", who=who, reason=reason, seconds=options["seconds"])
    except StoreUnavailable as error:
        raise CommandError(f"{error}: look with `breaker list` when it is back, then try again") from error


def _shared_state(name: str) -> Snapshot:
    snapshot = breakers.get(name).snapshot()
    if snapshot.source != "redis":
        raise CommandError("Redis is away: the fleet's state can't be seen from here")
    return snapshot


def _row(snapshot: Snapshot) -> dict[str, str]:
    return {
        "breaker": snapshot.name,
        "state": snapshot.state.replace("_", "-"),
        "failures": f"{snapshot.failures} of {snapshot.calls}",
        "opened": _moment(snapshot.opened_at),
        "next try": _wait(snapshot),
        "last error": snapshot.last_error or "-",
        "forced": _forced(snapshot),
    }


def _history_rows(snapshots: list[Snapshot]) -> list[dict[str, str]]:
    return [
        {
            "at": _moment(transition.at),
            "breaker": snapshot.name,
            "from": transition.from_state.replace("_", "-"),
            "to": transition.to_state.replace("_", "-"),
            "cause": transition.cause.replace("_", " "),
            "who": transition.who or "-",
            "reason": transition.reason or "-",
        }
        for snapshot in snapshots
        for transition in snapshot.history
    ]


def _table(rows: list[dict[str, str]]) -> str:
    """Rows of the same columns, each as wide as its widest text."""
    lines = [[heading.upper() for heading in rows[0]], *([*row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _moment(at: float | None) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}Z" if at else "-"


def _wait(snapshot: Snapshot) -> str:
    if snapshot.state == "closed":
        return "-"
    return "after reset" if snapshot.retry_after is None else f"in {snapshot.retry_after:.0f} s"


def _forced(snapshot: Snapshot) -> str:
    if (forced := snapshot.forced) is None:
        return "-"
    until = f"until {_moment(forced.until)}" if forced.until else "until reset"
    return f"by {forced.by} {until}: {forced.reason}"


def _add_common(parser: argparse.ArgumentParser, *, name_count: str | None = None) -> None:
    parser.add_argument("name", nargs=name_count, metavar="NAME", help=" or ".join(breakers.NAMES))
    parser.add_argument("--json", action="store_true", help="for programs: all that is known, as JSON")


def _seconds(text: str) -> float:
    found = re.fullmatch(r"([1-9]\d{0,5})([smhd])", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: 90s, 10m, 2h or 1d")
    return float(int(found[1]) * UNITS[found[2]])


def _text(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it must say something")
    return text


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return f"uid {os.getuid()}"
