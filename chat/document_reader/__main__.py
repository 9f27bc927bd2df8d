"""One document from stdin to stdout."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from importlib import import_module

from chat.document_reader.confinement import confine
from chat.document_reader.limits import CHARACTERS, Limits
from chat.document_reader.outcome import Outcome, Unreadable

READERS = {"pdf": "pdf", "word": "word", "picture": "picture"}


def main(kind: str, limits: Limits) -> dict[str, object]:
    """What was read, or why not."""
    confine(limits)
    try:
        outcome = read(kind, sys.stdin.buffer.read(), limits)
    except Unreadable as error:
        return {"error": error.code}
    except MemoryError:
        return {"error": "too_heavy"}
    return asdict(outcome)


def read(kind: str, data: bytes, limits: Limits) -> Outcome:
    """The text of a document of this kind. Raises Unreadable."""
    outcome: Outcome = import_module(f"chat.document_reader.{READERS[kind]}").read(data, limits)
    return Outcome(outcome.text[:CHARACTERS], outcome.pages, outcome.pages_read)


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    said = main(options.pop("kind"), Limits(**options))
    sys.stdout.write(json.dumps(said))
