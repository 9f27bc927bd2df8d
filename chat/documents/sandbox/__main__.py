"""Forks sandboxes, each of which reads one document from standard input and writes its `Reading`."""

from __future__ import annotations

import gc
import json
import socket
import sys
from dataclasses import asdict

from chat.documents.extraction import extract
from chat.documents.kinds import Kind
from chat.documents.sandbox import readers
from chat.documents.sandbox.fork_server import ForkServer
from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.outcome import MAX_UNREAD, Reading
from chat.documents.sandbox.restrictions import restrict
from chat.documents.text import MAX_CHARACTERS
from chat.documents.unreadable import Unread, Unreadable

# Has the models loaded and the last patterns compiled before the first document comes.
EXAMPLE = "Le 3 mars 2026. Merci de répondre avant le 4 mai 2026, sous 15 jours. Montant : 151,80 €. Dossier n° 12/345."


def main() -> None:
    """Read one document: its kind and limits are the first line, as JSON. Writes one JSON object."""
    options = json.loads(sys.stdin.buffer.readline())
    sys.stdout.write(json.dumps(outcome_of(options.pop("kind"), Limits(**options))))


def outcome_of(kind: Kind, limits: Limits) -> dict[str, object]:
    """The fields of a `Reading`, or `{"error": code}`."""
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
    extract(EXAMPLE)
    gc.freeze()  # a collection would write to the memory that the sandboxes share
    ForkServer(socket.socket(fileno=sys.stdin.fileno()), main).serve()
