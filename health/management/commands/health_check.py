"""`manage.py health_check`: what `/readyz` would say, without a server."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from health import readiness


class Command(BaseCommand):
    help = "Ask every dependency once. Exit code 1 when the program could not serve."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print what /readyz answers")

    def handle(self, **options: Any) -> None:
        report = readiness.current().report()
        self.stdout.write(json.dumps(report) if options["json"] else _table(report))
        if report["status"] == "unhealthy":
            sys.exit(1)


def _table(report: dict[str, Any]) -> str:
    rows = [f"{name:<12} {found['status']:<10} {_told(found)}" for name, found in report["dependencies"].items()]
    return "\n".join([*rows, f"{'=':<12} {report['status']}"])


def _told(found: dict[str, Any]) -> str:
    rest = {name: value for name, value in found.items() if name not in ("status", "latency")}
    return f"{found['latency']:>8.1f} ms" + "".join(f"  {name}: {value}" for name, value in rest.items())
