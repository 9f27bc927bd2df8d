"""`manage.py check_ai`: asks each configured AI service one short question, and says what works and what to set.

It asks outside of retries and circuit breakers, and neither opens nor closes one. Exit code 1 if there is a problem.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.upstream import service, service_trial, trial_findings
from chat.upstream.service import AIService
from chat.upstream.service_trial import Trial
from chat.upstream.trial_findings import Finding
from observability.url_redaction import without_secrets

_MARKS = {"ok": "ok", "note": "note", "problem": "PROBLEM"}


class Command(BaseCommand):
    help = "Ask the configured AI one short question; say what works, or what is wrong and which variable to set."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the findings as JSON")
        parser.add_argument(
            "--long", action="store_true", help="ask a second question that fills AI_CONTEXT_TOKENS; it costs as many"
        )
        parser.add_argument(
            "--timeout", type=float, default=60.0, metavar="SECONDS", help="the longest wait for an answer (60)"
        )

    def handle(self, **options: Any) -> None:
        checks = [_check(ai, options) for ai in service.configured()]
        if options["json"]:
            self.stdout.write(json.dumps([check.as_json() for check in checks], indent=2, ensure_ascii=False))
        else:
            self.stdout.write("\n\n".join("\n".join(check.lines()) for check in checks))
        if not all(check.works for check in checks):
            raise CommandError("The AI does not work as configured.")


@dataclass(frozen=True, slots=True)
class _Check:
    service: AIService
    trial: Trial
    findings: list[Finding]

    @property
    def works(self) -> bool:
        return all(finding.level != "problem" for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        return {
            "service": self.service.settings_prefix,
            "address": without_secrets(self.service.address),
            "protocol": self.service.protocol,
            "model": self.service.model,
            "works": self.works,
            "firstWordsSeconds": self.trial.first_words and round(self.trial.first_words, 3),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def lines(self) -> Iterator[str]:
        ai = self.service
        yield f"{ai.settings_prefix}_URL={without_secrets(ai.address)} (protocol {ai.protocol}, model {ai.model})"
        for finding in self.findings:
            yield f"  {_MARKS[finding.level]:<8} {finding.text}"
            if finding.advice:
                yield f"  {'':<8} → {finding.advice}"


def _check(ai: AIService, options: dict[str, Any]) -> _Check:
    trial = service_trial.ask(ai, limit=options["timeout"])
    findings = list(trial_findings.of_answer(ai, trial))
    if options["long"] and not trial.error and ai.protocol == "openai":
        long_trial = service_trial.ask(ai, limit=options["timeout"], fills_context=True)
        findings.append(trial_findings.of_long_prompt(ai, long_trial))
    return _Check(ai, trial, findings)
