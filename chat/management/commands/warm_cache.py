"""`manage.py warm_cache`: answer the knowledge base's questions ahead of time.

Run again, it goes on where it stopped: what is fresh in the cache is not asked again. Several at once share the work.
"""

from __future__ import annotations

import json
import time
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat import warming
from chat.warming import Outcome, Task

BAR_WIDTH = 30
FAILED, WRONG_ARGUMENTS, AI_UNAVAILABLE, STOPPED = 1, 2, 3, 130
USUAL_PAUSE, LONGEST_PAUSE = 30, 300  # seconds, between two tries of --wait
EXIT_CODES = """
exit codes:
  0    all warm
  1    some questions failed; the report says which and why
  2    wrong arguments
  3    the AI is not available: run it again to go on, or use --wait
  130  stopped by Ctrl-C: run it again to go on
"""


@dataclass(slots=True)
class Report:
    """What became of the questions so far; one that was asked again counts once, as it ended."""

    total: int
    unchanged: int
    outcomes: dict[Task, Outcome] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        self.outcomes[outcome.task] = outcome

    def of(self, *results: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes.values() if outcome.result in results]

    def as_dict(self) -> dict[str, Any]:
        kept, failed, unchanged = self.of("kept"), self.of("failed", "unavailable"), self.of("unchanged")
        return {
            "total": self.total,
            "unchanged": self.unchanged + len(unchanged),
            "asked": len(kept) + len(failed),
            "kept": len(kept),
            "failed": [{"slug": o.task.slug, "question": o.task.text, "reason": o.reason} for o in failed],
            "tokens": sum(outcome.tokens for outcome in kept),
            "seconds": round(self.seconds, 1),
        }


class Command(BaseCommand):
    help = "Answer the knowledge base's questions ahead of time; only what is not fresh in the cache, unless --all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = EXIT_CODES
        parser.add_argument("--all", action="store_true", help="ask every question, fresh in the cache or not")
        parser.add_argument("--only", action="append", metavar="SLUG", help="only this entry (may be repeated)")
        parser.add_argument(
            "--concurrency", type=int, default=warming.AT_A_TIME, help="questions asked at a time (default %(default)s)"
        )
        parser.add_argument("--rate", type=float, default=0, help="questions a second at most (default: no limit)")
        parser.add_argument("--wait", action="store_true", help="while the AI is not available, wait for it")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be asked")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["concurrency"] < 1 or options["rate"] < 0:
            raise CommandError("--concurrency must be at least 1, --rate at least 0.", returncode=WRONG_ARGUMENTS)
        tasks = self._tasks(options["only"])
        asked = tasks if options["all"] else [task for task in tasks if not warming.is_warm(task)]
        report = Report(len(tasks), unchanged=len(tasks) - len(asked))
        began = time.monotonic()
        try:
            if not options["dry_run"]:
                self._ask_all(asked, report, options)
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run it again to go on.", returncode=STOPPED) from None
        finally:
            report.seconds = time.monotonic() - began
            self._print(report, asked if options["dry_run"] else [], as_json=options["json"])
        if report.of("unavailable"):
            raise CommandError("The AI is not available. Run it again to go on.", returncode=AI_UNAVAILABLE)
        if failed := report.of("failed"):
            raise CommandError(f"{len(failed)} questions failed.", returncode=FAILED)

    def _tasks(self, only: list[str] | None) -> list[Task]:
        tasks = list(warming.tasks(set(only) if only else None))
        if missing := set(only or ()) - {task.slug for task in tasks}:
            raise CommandError(f"No such entry: {', '.join(sorted(missing))}.", returncode=WRONG_ARGUMENTS)
        return tasks

    def _ask_all(self, left: Sequence[Task], report: Report, options: dict[str, Any]) -> None:
        """Ask them; once the AI can't, wait for it or leave it at that."""
        progress = Progress(self.stderr, len(left))
        made_since = time.time() if options["all"] else 0  # another --all at the same time doesn't ask them twice

        def tell(outcome: Outcome) -> None:
            report.add(outcome)
            progress.show(outcome, len(report.outcomes))

        while left := warming.warm_all(
            left, tell=tell, concurrency=options["concurrency"], rate=options["rate"], made_since=made_since
        ):
            if not options["wait"]:
                return
            self._pause(report)

    def _pause(self, report: Report) -> None:
        retry_after = max(outcome.retry_after or USUAL_PAUSE for outcome in report.of("unavailable"))
        seconds = min(retry_after, LONGEST_PAUSE)
        self.stderr.write(f"The AI is not available. Trying again in {seconds} s; Ctrl-C stops.")
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
    """A bar on a terminal; elsewhere a line every tenth of the way."""

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
