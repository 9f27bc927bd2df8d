"""The facts in a letter, found without the AI.

Every pattern has bounded repeats only, so that the time taken grows with the length of the document and no faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

from chat.document_reader.limits import CHARACTERS
from chat.documents.amounts import amounts_in
from chat.documents.dates import URGENCY, dates_in
from chat.documents.facts import Amount, Date, Facts, Reference
from chat.documents.references import references_in
from chat.documents.senders import sender_of

MOST_DATES = 500  # more than any document has
MOST_OF_A_KIND = 50

Fact = TypeVar("Fact", Date, Amount, Reference)


def facts(text: str) -> Facts:
    """The dates, amounts, references and sender of a French letter, at most `MOST_OF_A_KIND` of each."""
    text = text[:CHARACTERS]
    dates = sorted(islice(dates_in(text), MOST_DATES), key=lambda date: (URGENCY.index(date.kind), date.iso or "9999"))
    return Facts(
        dates=_once(dates, key=lambda date: date.iso or date.text.lower()),
        amounts=_once(amounts_in(text), key=lambda amount: amount.value),
        references=_once(references_in(text), key=lambda reference: reference.text),
        sender=sender_of(text),
    )


def _once(facts: Iterable[Fact], key: Callable[[Fact], str]) -> tuple[Fact, ...]:
    first: dict[str, Fact] = {}
    for fact in facts:
        first.setdefault(key(fact), fact)
    return tuple(islice(first.values(), MOST_OF_A_KIND))
