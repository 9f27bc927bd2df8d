"""`manage.py evaluate_knowledge`: measure how well the search finds the right entries."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat import knowledge
from chat.knowledge.evaluation import EVALUATION_SETS, Report, evaluate

TUNING_SETS = ("dev", "topics_dev", "strangers_dev", "parents_dev", "newcomers")
HELD_OUT_SETS = ("test", "held_out", "topics_test", "strangers_test", "parents_test", "parents_judge", "judge3")
MAX_MISSES_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Search the current knowledge base for the questions of an evaluation file (default: all of "
        "chat/knowledge/evaluation_sets, which is part of the installation) and print how often the right entry is "
        "found. Without a database, the bundled entries are searched. Tune on the dev sets only: the misses of the "
        "others are not printed, unless requested with --file."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--file", type=Path, help="one evaluation file (YAML)")
        parser.add_argument("--json", action="store_true", help="print JSON, including all misses")

    def handle(self, *args: Any, **options: Any) -> None:
        all_sets = [EVALUATION_SETS / f"{name}.yaml" for name in (*TUNING_SETS, *HELD_OUT_SETS)]
        files: list[Path] = [options["file"]] if options["file"] else all_sets
        try:
            reports = {file.stem: evaluate(file) for file in files}
        except OSError as error:
            raise CommandError(f"Cannot read the evaluation file {error.filename}") from error
        if options["json"]:
            self.stdout.write(
                json.dumps({name: asdict(report) for name, report in reports.items()}, ensure_ascii=False)
            )
        else:
            for name, report in reports.items():
                self._print(name, report)
                if options["file"] or name in TUNING_SETS:
                    self._print_misses(report)

    def _print(self, name: str, report: Report) -> None:
        self.stdout.write(
            f"{name}: {report.questions} questions, {report.off_topic} off topic\n"
            f"  recall@1            {report.recall_at_1:6.1%}\n"
            f"  recall@3            {report.recall_at_3:6.1%}\n"
            f"  MRR                 {report.mrr:6.3f}\n"
            f"  good fits           {report.good_fits:6.1%}  (score ≥ {knowledge.GOOD_FIT})\n"
            f"    of them right     {report.right_good_fits:6.1%}\n"
            f"  abstention          {report.abstention:6.1%}  (off topic, no good fit)\n"
            + (
                f"  {report.follow_ups} follow-ups\n"
                f"  recall@1            {report.follow_up_recall_at_1:6.1%}\n"
                f"  recall@3            {report.follow_up_recall_at_3:6.1%}\n"
                if report.follow_ups
                else ""
            )
            + (
                f"  {report.without_entry} without an entry\n"
                f"  abstention          {report.abstention_without_entry:6.1%}"
                if report.without_entry
                else ""
            )
        )

    def _print_misses(self, report: Report) -> None:
        for question in report.wrongly_answered:
            self.stdout.write(f"  off topic, answered: {question}")
        for miss in report.misses[:MAX_MISSES_SHOWN]:
            rank = miss.rank or "-"
            self.stdout.write(f"  rank {rank}: {miss.question}\n          wanted {miss.wanted}, found {miss.found}")
