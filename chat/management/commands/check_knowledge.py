"""`manage.py check_knowledge`: fail if the facts of knowledge entries are due to be checked again."""

from __future__ import annotations

import datetime as dt
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from chat import knowledge
from chat.models import KnowledgeEntry


class Command(BaseCommand):
    help = (
        "List the entries of the current knowledge base whose facts are overdue: past their last valid day, or checked "
        "more than a year ago. People are told so with each answer. Exits with 1 if there are any. Without a database, "
        "the bundled entries are checked."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=0, help="fail also for what falls due in this many days")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        due = knowledge.due(timezone.localdate() + dt.timedelta(days=options["days"]))
        if options["json"]:
            self.stdout.write(
                json.dumps({"entries": len(knowledge.current().entries), "due": [_as_json(each) for each in due]})
            )
        else:
            for entry in due:
                self.stdout.write(f"{entry}: due on {entry.due_on}, checked on {entry.checked_on}, {entry.source_url}")
            self.stdout.write(f"{len(due)} of {len(knowledge.current().entries)} entries are due")
        if due:
            raise CommandError(f"{len(due)} knowledge entries are due to be checked", returncode=1)


def _as_json(entry: KnowledgeEntry) -> dict[str, Any]:
    return {
        "entry": str(entry),
        "dueOn": entry.due_on.isoformat(),
        "checkedOn": entry.checked_on.isoformat(),
        "validUntil": entry.valid_until and entry.valid_until.isoformat(),
        "source": entry.source_url,
    }
