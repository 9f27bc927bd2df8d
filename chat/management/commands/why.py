"""`manage.py why CORRELATION_ID`: shows how an answer came about, without the texts of question and answer."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chat.storage import provenance
from chat.storage.provenance import Provenance, generation_of

REDIS_UNAVAILABLE = "Redis is not available: answers outside conversations can't be looked up."


class Command(BaseCommand):
    help = "Show how the answer with this correlation id came about."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("correlation_id")
        parser.add_argument("--json", action="store_true", help="print the stored provenance as JSON")

    def handle(self, **options: Any) -> None:
        entries = provenance.find_in_conversations(options["correlation_id"])
        elsewhere = provenance.find_elsewhere(options["correlation_id"])
        if elsewhere is None and not entries:
            raise CommandError(f"No conversation has an answer with this correlation id. {REDIS_UNAVAILABLE}")
        if elsewhere is None:
            self.stderr.write(REDIS_UNAVAILABLE)
        entries += elsewhere or ()
        if not entries:
            raise CommandError("No answer is known under this correlation id.")
        texts = [json.dumps(entries)] if options["json"] else ["\n".join(_rows(entry)) for entry in entries]
        self.stdout.write("\n\n".join(texts))


def _rows(entry: Provenance) -> Iterator[str]:
    yield _row("answer", _joined(entry.get(name) for name in ("door", "origin", "ending", "degraded")))
    cache = entry["cache"]
    yield _row("cache", _joined([cache["verdict"], _age(cache["ageSeconds"])]))
    yield _row("single flight", entry["role"])
    yield _row("time", _times(entry["stages"]))
    if generation := generation_of(entry):
        yield from _generation_rows(generation)
    else:
        yield _row("written by", "unknown")


def _generation_rows(generation: Provenance) -> Iterator[str]:
    yield _row("written by", f"the run of {generation['correlationId']} at {generation['at']}")
    tokens = generation["tokens"]
    yield _row(
        "model",
        _joined([_service(generation), generation["model"], tokens and _tokens(tokens)]),
    )
    for attempt in generation["attempts"]:
        yield _row(f"attempt {attempt['number']}", _attempt(attempt))
    yield _row("error", generation["error"] or "none")
    if older := generation["older"]:
        yield _row("older answer", _joined([f"of {older['correlationId']}", _age(older["ageSeconds"])]))
    for passage in generation["passages"]:
        yield _row("passage", _joined([passage["slug"], passage["score"], _use(passage)]))
    yield _row("run time", f"{_times(generation['stages'])}, of {generation['deadlineMs']} ms")


def _attempt(attempt: Provenance) -> str:
    first_words = attempt["firstWordsMs"]
    return _joined(
        [
            _service(attempt),
            attempt["outcome"],
            f"breaker {attempt['breaker']}" if attempt["breaker"] else None,
            f"waited {attempt['waitMs']} ms before" if attempt["waitMs"] else None,
            f"first words after {first_words} ms" if first_words is not None else None,
            f"{attempt['durationMs']} ms",
        ]
    )


def _service(record: Provenance) -> str:
    """A label for the second AI; empty for the first."""
    return "second AI" if record.get("service") == "fallback" else ""


def _tokens(tokens: dict[str, int]) -> str:
    return f"{tokens['prompt']} + {tokens['completion']} tokens"


def _use(passage: Provenance) -> str:
    if passage.get("leftOut"):
        return "left out: no room in the prompt"
    return "used" if passage["used"] else "not used"


def _times(stages: dict[str, int]) -> str:
    return ", ".join(f"{name} {milliseconds} ms" for name, milliseconds in stages.items())


def _age(seconds: int | None) -> str | None:
    return None if seconds is None else f"{seconds} s old"


def _joined(parts: Any) -> str:
    return " · ".join(str(part) for part in parts if part not in (None, "", 0))


def _row(name: str, text: str) -> str:
    return f"{name:<14} {text}"
