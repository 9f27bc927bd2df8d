"""`manage.py breaker`: show and control the fleet's circuit breakers.

breaker list                                             show the state of each
breaker open chat --reason "provider moves" --for 10m    refuse every call, then probe
breaker close chat --reason "false alarm"                admit every call, until reset
breaker reset chat                                       end a forced state, forget failures
breaker history chat                                     the last 50 transitions

Exit code 2 for a wrong command; 1 when Redis is unavailable, since the state of one process means nothing.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal

from django.core.management.base import BaseCommand, CommandError, CommandParser
from redis.exceptions import RedisError

from chat.upstream import breaker_registry
from chat.upstream.breaker import Snapshot, StoreUnavailable
from chat.upstream.breaker_registry import Verb
from observability.url_redaction import without_secrets

RECENT_SECONDS = 600
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Command(BaseCommand):
    help = "Show, force open or closed, or reset the circuit breakers that guard the AI service."
    requires_system_checks = []  # it must work in an emergency, even with a faulty configuration

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|open|close|reset|history")
        for verb, summary in [("list", "show the state of each"), ("history", "the last transitions, newest first")]:
            show = verbs.add_parser(verb, help=summary)
            _add_common(show, name_count="?")
        for verb, summary in [("open", "refuse every call"), ("close", "admit every call")]:
            force = verbs.add_parser(verb, help=summary)
            _add_common(force)
            force.add_argument("--reason", type=_non_empty, required=True, help="why; the history shows it")
            force.add_argument("--for", type=_seconds, dest="seconds", help="90s, 10m, 2h or 1d; default: until reset")
            force.add_argument(
                "--who", default=_os_user(), help="the operator's name; default: the user of this machine"
            )
        reset = verbs.add_parser("reset", help="end a forced state, forget failures")
        _add_common(reset)
        reset.add_argument("--reason", default="", help="why; the history shows it")
        reset.add_argument("--who", default=_os_user(), help="the operator's name; default: the user of this machine")

    def handle(self, *, verb: Verb | Literal["list", "history"], name: str | None, **options: Any) -> None:
        if name not in {None, *breaker_registry.names()}:
            raise CommandError(f"no breaker named {name!r}, only {', '.join(breaker_registry.names())}", returncode=2)
        match verb:
            case "open" | "close" | "reset":
                _apply(verb, str(name), options)
        snapshots = [_shared_state(each) for each in ([name] if name else breaker_registry.names())]
        if options["json"]:
            self.stdout.write(json.dumps([snapshot.as_dict() for snapshot in snapshots], indent=2, ensure_ascii=False))
        else:
            rows = _history_rows(snapshots) if verb == "history" else [_state_row(snapshot) for snapshot in snapshots]
            self.stdout.write(_table(rows) if rows else "No transitions yet.")
        for snapshot in snapshots:
            self._warn_of_another_ai(snapshot.name)

    def _warn_of_another_ai(self, name: str) -> None:
        with suppress(RedisError):
            if breaker_registry.is_used_for_another_ai(name, RECENT_SECONDS):
                self.stderr.write(
                    f"Instances whose AI has another address, protocol or model have used their {name} in the last"
                    f" {RECENT_SECONDS // 60} minutes. Run this command with their settings to change theirs."
                )


def _apply(verb: Verb, name: str, options: dict[str, Any]) -> None:
    who, reason, seconds = options["who"], options["reason"], options.get("seconds")
    try:
        breaker_registry.apply(verb, name, who=who, reason=reason, seconds=seconds)
    except StoreUnavailable as error:
        raise CommandError(f"{error}: check with `breaker list` once it is available, then try again") from error


def _shared_state(name: str) -> Snapshot:
    snapshot = breaker_registry.get(name).snapshot()
    if snapshot.source != "redis":
        raise CommandError("Redis is unavailable: the fleet's state is unknown")
    return snapshot


def _state_row(snapshot: Snapshot) -> dict[str, str]:
    ai = breaker_registry.guarded_by(snapshot.name)
    return {
        "breaker": snapshot.name,
        "state": snapshot.state.replace("_", "-"),
        "failures": f"{snapshot.failures} of {snapshot.calls}",
        "opened": _moment(snapshot.opened_at),
        "next try": _next_try(snapshot),
        "last error": f"{snapshot.last_error or '-'} {_moment(snapshot.last_error_at)}".removesuffix(" -"),
        "forced": _forced(snapshot),
        "model": ai.model,
        "address": without_secrets(ai.address),
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
    """Text in aligned columns, with the rows' keys as headings."""
    lines = [[heading.upper() for heading in rows[0]], *([*row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def _moment(at: float | None) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}Z" if at else "-"


def _next_try(snapshot: Snapshot) -> str:
    if snapshot.state == "closed":
        return "-"
    return "after reset" if snapshot.retry_after is None else f"in {snapshot.retry_after:.0f} s"


def _forced(snapshot: Snapshot) -> str:
    if (forced := snapshot.forced) is None:
        return "-"
    until = f"until {_moment(forced.until)}" if forced.until else "until reset"
    return f"by {forced.by} {until}: {forced.reason}"


def _add_common(parser: argparse.ArgumentParser, *, name_count: str | None = None) -> None:
    parser.add_argument("name", nargs=name_count, metavar="NAME", help=" or ".join(breaker_registry.names()))
    parser.add_argument("--json", action="store_true", help="all details, as JSON")


def _seconds(text: str) -> float:
    match = re.fullmatch(r"([1-9]\d{0,5})([smhd])", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write 90s, 10m, 2h or 1d")
    return float(int(match[1]) * UNITS[match[2]])


def _non_empty(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container the user may have no name
        return f"uid {os.getuid()}"
