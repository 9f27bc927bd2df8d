"""`manage.py health_check`: the report of `/readyz`, without a server."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from health import readiness


class Command(BaseCommand):
    help = "Check every dependency once. Exit code 1 if the program is not ready to serve."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report of /readyz as JSON")

    def handle(self, **options: Any) -> None:
        report = readiness.current().report()
        self.stdout.write(json.dumps(report) if options["json"] else _table(report))
        if report["status"] == "unhealthy":
            sys.exit(1)


def _table(report: dict[str, Any]) -> str:
    rows = [f"{name:<12} {result['status']:<10} {_details(result)}" for name, result in report["dependencies"].items()]
    return "\n".join([*rows, f"{'=':<12} {report['status']}"])


def _details(result: dict[str, Any]) -> str:
    rest = {name: value for name, value in result.items() if name not in ("status", "latency")}
    return f"{result['latency']:>8.1f} ms" + "".join(f"  {name}: {value}" for name, value in rest.items())
