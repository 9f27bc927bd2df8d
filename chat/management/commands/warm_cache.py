"""`manage.py warm_cache`: answer the knowledge base's questions ahead of time.

Exit codes: 0 all warm, 1 some questions failed, 2 wrong arguments, 3 the AI is not available, 130 stopped by Ctrl-C.
Run again, it goes on where it stopped: what is fresh in the cache is not asked again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat import warming
from chat.warming import Outcome, Task

BAR_WIDTH = 30
AI_UNAVAILABLE = 3
STOPPED = 130


@dataclass(slots=True)
class Report:
    """What became of the questions so far."""

    total: int
    unchanged: int
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0

    def of(self, result: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.result == result]

    def as_dict(self) -> dict[str, Any]:
        failed = [*self.of("failed"), *self.of("unavailable")]
        return {
            "total": self.total,
            "unchanged": self.unchanged,
            "asked": len(self.outcomes),
            "kept": len(self.of("kept")),
            "failed": [{"slug": o.task.slug, "question": o.task.text, "reason": o.reason} for o in failed],
            "tokens": sum(outcome.tokens for outcome in self.outcomes),
            "seconds": round(self.seconds, 1),
        }


class Command(BaseCommand):
    help = "Answer the knowledge base's questions ahead of time; only what is not fresh in the cache, unless --all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="ask every question, fresh in the cache or not")
        parser.add_argument("--only", action="append", metavar="SLUG", help="only this entry (may be repeated)")
        parser.add_argument("--concurrency", type=int, default=4, help="questions asked at a time (default 4)")
        parser.add_argument("--rate", type=float, default=0, help="questions a second at most (default: no limit)")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be asked")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["concurrency"] < 1 or options["rate"] < 0:
            raise CommandError("--concurrency must be at least 1, --rate at least 0.", returncode=2)
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
        if report.of("failed"):
            raise CommandError(f"{len(report.of('failed'))} questions failed.", returncode=1)

    def _tasks(self, only: list[str] | None) -> list[Task]:
        tasks = list(warming.tasks(set(only) if only else None))
        if missing := set(only or ()) - {task.slug for task in tasks}:
            raise CommandError(f"No such entry: {', '.join(sorted(missing))}.", returncode=2)
        return tasks

    def _ask_all(self, tasks: Sequence[Task], report: Report, options: dict[str, Any]) -> None:
        """Ask at most `concurrency` at a time, and no more once the AI can't."""
        progress = Progress(self.stderr, len(tasks))
        made_since = time.time() if options["all"] else 0  # another --all at the same time doesn't ask them twice
        waiting = _paced(tasks, options["rate"])
        with ThreadPoolExecutor(options["concurrency"]) as pool:
            running: set[Future[Outcome]] = set()
            while not report.of("unavailable"):
                while len(running) < options["concurrency"] and (task := next(waiting, None)):
                    running.add(pool.submit(warming.warm, task, made_since=made_since))
                if not running:
                    break
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    report.outcomes.append(future.result())
                    progress.show(report.outcomes[-1], len(report.outcomes))

    def _print(self, report: Report, planned: Sequence[Task], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report.as_dict(), ensure_ascii=False))
            return
        for task in planned:
            self.stdout.write(f"would ask  {task.language}/{task.slug}: {task.text}")
        facts = report.as_dict()
        for failure in facts.pop("failed"):
            self.stdout.write(f"{failure['reason']}  {failure['slug']}: {failure['question']}")
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


def _paced(tasks: Sequence[Task], rate: float) -> Iterator[Task]:
    """The tasks, at most `rate` a second; 0 is as fast as they are taken."""
    for task in tasks:
        yield task
        if rate:
            time.sleep(1 / rate)
