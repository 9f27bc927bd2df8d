"""`manage.py warm_cache`: caches the answers to the knowledge base's questions before anyone asks them.

The command can be interrupted and run again, because it skips questions whose answers are fresh. Several instances of
it share the work.
"""

from __future__ import annotations

import json
import time
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError

from chat import knowledge
from chat.pipeline import cache_warmer
from chat.pipeline.cache_warmer import Outcome, Task
from chat.storage import answer_cache

BAR_WIDTH = 30
FAILED, WRONG_ARGUMENTS, AI_UNAVAILABLE, CACHE_UNAVAILABLE, DATABASE_UNAVAILABLE, STOPPED = 1, 2, 3, 4, 5, 130
DEFAULT_PAUSE, MAX_PAUSE = 30, 300  # seconds between two attempts with --wait
EXIT_CODES = """
exit codes:
  0    all answers are cached
  1    some questions failed; the report says which and why
  2    wrong arguments
  3    the AI is unavailable: run the command again to continue, or use --wait
  4    Redis is unavailable: nothing more was asked, because no answer could be stored. With --wait only at the start
  5    the database is unavailable: nothing was asked, because its entries are not known
  130  stopped by Ctrl-C: run the command again to continue
"""


@dataclass(slots=True)
class Report:
    """The outcomes so far. A question that was tried again counts once, with its last outcome."""

    total: int
    unchanged: int
    outcomes: dict[Task, Outcome] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        self.outcomes.pop(outcome.task, None)  # the latest is the last
        self.outcomes[outcome.task] = outcome

    def of(self, *results: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes.values() if outcome.result in results]

    @property
    def has_lost_the_cache(self) -> bool:
        return any(outcome.reason == cache_warmer.CACHE_UNAVAILABLE for outcome in self.outcomes.values())

    def as_dict(self) -> dict[str, Any]:
        cached, failed, unchanged = self.of("cached"), self.of("failed", "unavailable"), self.of("unchanged")
        return {
            "total": self.total,
            "unchanged": self.unchanged + len(unchanged),
            "asked": len(cached) + len(failed),
            "kept": len(cached),
            "failed": [{"slug": o.task.slug, "question": o.task.text, "reason": o.reason} for o in failed],
            "tokens": sum(outcome.tokens for outcome in cached),
            "seconds": round(self.seconds, 1),
        }


class Command(BaseCommand):
    help = "Cache the answers to the knowledge base's questions that have no fresh answer in the cache."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = EXIT_CODES
        parser.add_argument(
            "--all", action="store_true", help="also generate answers that are fresh in the cache again"
        )
        parser.add_argument(
            "--only", action="append", metavar="SLUG", help="only the questions of this entry (may be repeated)"
        )
        parser.add_argument(
            "--concurrency",
            type=int,
            default=cache_warmer.DEFAULT_CONCURRENCY,
            help="number of questions in parallel (default %(default)s)",
        )
        parser.add_argument(
            "--rate", type=float, default=0, help="maximum number of questions per second (default: no limit)"
        )
        parser.add_argument(
            "--wait", action="store_true", help="while the AI or Redis is unavailable, wait and try again"
        )
        parser.add_argument("--dry-run", action="store_true", help="only list the questions")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["concurrency"] < 1 or options["rate"] < 0:
            raise CommandError("--concurrency must be at least 1, --rate at least 0.", returncode=WRONG_ARGUMENTS)
        tasks = self._tasks(options["only"])
        if not options["dry_run"] and not answer_cache.can_store():
            raise CommandError("Redis is not available. Nothing was asked.", returncode=CACHE_UNAVAILABLE)
        selected = tasks if options["all"] else [task for task in tasks if not cache_warmer.is_warm(task)]
        report = Report(len(tasks), unchanged=len(tasks) - len(selected))
        started_at = time.monotonic()
        try:
            if not options["dry_run"]:
                self._warm_all(selected, report, options)
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run it again to go on.", returncode=STOPPED) from None
        finally:
            report.seconds = time.monotonic() - started_at
            self._print(report, selected if options["dry_run"] else [], as_json=options["json"])
        if report.has_lost_the_cache:
            left = report.total - report.unchanged - len(report.of("cached", "unchanged", "failed"))
            raise CommandError(
                f"Redis is not available any more. {left} questions were not asked.", returncode=CACHE_UNAVAILABLE
            )
        if report.of("unavailable"):
            raise CommandError("The AI is not available. Run it again to go on.", returncode=AI_UNAVAILABLE)
        if failed := report.of("failed"):
            raise CommandError(f"{len(failed)} questions failed.", returncode=FAILED)

    def _tasks(self, only: list[str] | None) -> list[Task]:
        try:
            knowledge.refresh()
        except DatabaseError as error:
            raise CommandError(
                "The database is not available. Nothing was asked.", returncode=DATABASE_UNAVAILABLE
            ) from error
        tasks = list(cache_warmer.tasks(set(only) if only else None))
        if missing := set(only or ()) - {task.slug for task in tasks}:
            raise CommandError(f"No such entry: {', '.join(sorted(missing))}.", returncode=WRONG_ARGUMENTS)
        return tasks

    def _warm_all(self, remaining: Sequence[Task], report: Report, options: dict[str, Any]) -> None:
        """Warm the tasks. While the AI or Redis is unavailable, wait with --wait, else stop."""
        progress = Progress(self.stderr, len(remaining))
        not_before = (
            time.time() if options["all"] else 0
        )  # a parallel run with --all does not repeat the same questions

        def add(outcome: Outcome) -> None:
            report.add(outcome)
            progress.show(outcome, len(report.outcomes))

        while remaining := cache_warmer.warm_all(
            remaining, report=add, concurrency=options["concurrency"], rate=options["rate"], not_before=not_before
        ):
            if not options["wait"]:
                return
            self._pause(report)

    def _pause(self, report: Report) -> None:
        unavailable = report.of("unavailable")
        retry_after = max(outcome.retry_after or DEFAULT_PAUSE for outcome in unavailable)
        seconds = min(retry_after, MAX_PAUSE)
        missing = "Redis" if unavailable[-1].reason == cache_warmer.CACHE_UNAVAILABLE else "The AI"
        self.stderr.write(f"{missing} is not available. Trying again in {seconds} s; Ctrl-C stops.")
        time.sleep(seconds)

    def _print(self, report: Report, planned: Sequence[Task], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report.as_dict(), ensure_ascii=False))
            return
        for task in planned:
            self.stdout.write(f"would ask  {task.language}/{task.slug}: {task.text}")
        facts = report.as_dict()
        for failure in facts.pop("failed"):
            self.stdout.write(f"{failure['reason']}  {failure['slug']}: {failure['question']}")
        facts["failed"] = len(report.of("failed", "unavailable"))
        self.stdout.write(", ".join(f"{name} {value}" for name, value in facts.items()))


class Progress:
    """A bar on a terminal; otherwise a line for every tenth of the tasks."""

    def __init__(self, stream: Any, total: int) -> None:
        self.stream, self.total = stream, total

    def show(self, last: Outcome, done: int) -> None:
        if self.stream.isatty():
            filled = BAR_WIDTH * done // self.total
            bar = "█" * filled + "░" * (BAR_WIDTH - filled)
            self.stream.write(f"\r{bar} {done}/{self.total} {last.task.slug:<30.30}", ending="")
            if done == self.total:
                self.stream.write("")
        elif done == self.total or done * 10 // self.total != (done - 1) * 10 // self.total:
            self.stream.write(f"warmed {done} of {self.total}")
