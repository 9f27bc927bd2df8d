"""`manage.py why CORRELATION_ID`: how an answer came about. Shows no word of question or answer."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat import receipts
from chat.receipts import Receipt


class Command(BaseCommand):
    help = "Tell why an answer is what it is, by the correlation id that it was shown with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("correlation_id")
        parser.add_argument("--json", action="store_true", help="print the receipts as they are kept")

    def handle(self, **options: Any) -> None:
        found = receipts.find(options["correlation_id"])
        if not found:
            raise CommandError("No answer is known under this correlation id.")
        told = [json.dumps(found)] if options["json"] else ["\n".join(_told(receipt)) for receipt in found]
        self.stdout.write("\n\n".join(told))


def _told(receipt: Receipt) -> Iterator[str]:
    yield _row("answer", _joined(receipt.get(name) for name in ("door", "origin", "ending", "degraded")))
    cache = receipt["cache"]
    yield _row("cache", _joined([cache["verdict"], _age(cache["ageSeconds"])]))
    yield _row("single flight", receipt["role"])
    yield _row("time", _times(receipt["stages"]))
    if making := receipt.get("making"):
        yield from _told_of_making(making)
    else:
        yield _row("written by", "nobody who could tell")


def _told_of_making(making: Receipt) -> Iterator[str]:
    yield _row("written by", f"the run of {making['correlationId']} at {making['at']}")
    tokens = making["tokens"]
    yield _row("model", _joined([making["model"], tokens and f"{tokens['prompt']} + {tokens['completion']} tokens"]))
    for attempt in making["attempts"]:
        yield _row(f"attempt {attempt['number']}", _attempt(attempt))
    yield _row("error", making["error"] or "none")
    if older := making["older"]:
        yield _row("older answer", _joined([f"of {older['correlationId']}", _age(older["ageSeconds"])]))
    for passage in making["passages"]:
        yield _row("passage", _joined([passage["slug"], passage["score"], "used" if passage["used"] else "not used"]))
    yield _row("its time", f"{_times(making['stages'])}, of {making['deadlineMs']} ms")


def _attempt(attempt: Receipt) -> str:
    first_words = attempt["firstWordsMs"]
    return _joined(
        [
            attempt["outcome"],
            f"breaker {attempt['breaker']}" if attempt["breaker"] else None,
            f"waited {attempt['waitMs']} ms before" if attempt["waitMs"] else None,
            f"first words after {first_words} ms" if first_words is not None else None,
            f"{attempt['durationMs']} ms",
        ]
    )


def _times(stages: dict[str, int]) -> str:
    return ", ".join(f"{name} {milliseconds} ms" for name, milliseconds in stages.items())


def _age(seconds: int | None) -> str | None:
    return None if seconds is None else f"{seconds} s old"


def _joined(parts: Any) -> str:
    return " · ".join(str(part) for part in parts if part not in (None, "", 0))


def _row(name: str, told: str) -> str:
    return f"{name:<14} {told}"
