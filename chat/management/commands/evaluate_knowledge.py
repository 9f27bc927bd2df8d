"""Measure the search of the knowledge base."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chat import knowledge
from chat.knowledge.evaluation import Report, evaluate

TUNED_ON, HELD_BACK = ("dev",), ("test", "held_out")
WORST_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Ask the knowledge base in force the questions of an evaluation file (default: those of tests/chat/evaluation) "
        "and print how often it finds the right entry. Tune on dev.yaml; the others are for judging: their "
        "misses are shown only when asked for with --file."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--file", type=Path, help="one evaluation file (YAML)")
        parser.add_argument("--json", action="store_true", help="print JSON, with every miss")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(settings.BASE_DIR) / "tests" / "chat" / "evaluation"
        usual = [folder / f"{name}.yaml" for name in (*TUNED_ON, *HELD_BACK)]
        files: list[Path] = [options["file"]] if options["file"] else usual
        try:
            reports = {file.stem: evaluate(file) for file in files}
        except OSError as error:
            raise CommandError(f"No evaluation there: {error.filename}") from error
        if options["json"]:
            self.stdout.write(
                json.dumps({name: asdict(report) for name, report in reports.items()}, ensure_ascii=False)
            )
        else:
            for name, report in reports.items():
                self._print(name, report)
                if options["file"] or name in TUNED_ON:
                    self._print_misses(report)

    def _print(self, name: str, report: Report) -> None:
        self.stdout.write(
            f"{name}: {report.questions} questions, {report.off_topic} off topic\n"
            f"  recall@1            {report.recall_at_1:6.1%}\n"
            f"  recall@3            {report.recall_at_3:6.1%}\n"
            f"  MRR                 {report.mrr:6.3f}\n"
            f"  good fits           {report.good_fits:6.1%}  (score ≥ {knowledge.GOOD_FIT})\n"
            f"    of them right     {report.right_good_fits:6.1%}\n"
            f"  abstention          {report.abstention:6.1%}  (off topic, no good fit)"
        )

    def _print_misses(self, report: Report) -> None:
        for question in report.wrongly_answered:
            self.stdout.write(f"  off topic, answered: {question}")
        for miss in report.misses[:WORST_SHOWN]:
            rank = miss.rank or "-"
            self.stdout.write(f"  rank {rank}: {miss.question}\n          wanted {miss.wanted}, found {miss.found}")
