"""Entry point of the sandbox: reads one document from stdin and writes its `Reading` to stdout."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from chat.documents.extraction import extract
from chat.documents.kinds import Kind
from chat.documents.sandbox import readers
from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.outcome import MAX_UNREAD, Reading
from chat.documents.sandbox.restrictions import restrict
from chat.documents.text import MAX_CHARACTERS
from chat.documents.unreadable import Unread, Unreadable


def main(kind: Kind, limits: Limits) -> dict[str, object]:
    """The JSON object for stdout."""
    restrict(limits)
    try:
        reading = read(kind, sys.stdin.buffer.read(), limits)
    except Unreadable as error:
        return {"error": error.code}
    except MemoryError:
        return {"error": "too_heavy"}
    return asdict(reading)


def read(kind: Kind, data: bytes, limits: Limits) -> Reading:
    """The masked text and the facts of a document of this kind. Raises Unreadable."""
    outcome = readers.read(kind, data, limits)
    found = extract(outcome.text)
    if found is None:
        raise Unreadable("empty")
    rest = (Unread("rest", None, "too_heavy"),) if len(outcome.text) > MAX_CHARACTERS else ()
    return Reading(found, outcome.pages, _bounded(rest + outcome.unread))


def _bounded(unread: tuple[Unread, ...]) -> tuple[Unread, ...]:
    """The unread parts; of too many, equal ones once."""
    return unread if len(unread) <= MAX_UNREAD else tuple(dict.fromkeys(unread))[:MAX_UNREAD]


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    result = main(options.pop("kind"), Limits(**options))
    sys.stdout.write(json.dumps(result))
