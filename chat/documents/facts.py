"""The facts found in a letter. Each has a `kind` for programs and a French label or name for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

DateKind = Literal["deadline", "appointment", "end_of_rights", "decision", "letter", "birth", "other"]
ReferenceKind = Literal[
    "file", "beneficiary", "form", "social_security", "pupil", "candidate", "member", "contract", "invoice"
]
SenderKind = Literal[
    "mdph", "caf", "msa", "cpam", "school", "court", "department", "tax", "town", "hospital", "care"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Date:
    """A date or a time limit. `text` is as written; `iso` is None unless day, month and year are known.

    The year of a day without one is that of the letter, or the one after or before it: the nearest that makes sense.
    For a time limit, `iso` is its last day if that was counted from `basis`, a date in the letter: usually that of
    the letter, because the date of receipt is unknown.
    """

    text: str
    iso: str | None
    kind: DateKind
    label: str
    basis: str | None = None


# `sous quinze jours`, not `vendredi` or `le 1er du mois prochain`, which are the same day whenever the letter comes.
_OF_DAYS = re.compile(
    r"(?:^|[^a-zà-ÿ])(?:jours?|j|semaines?|mois|ans?|huitaine|quinzaine|days?|weeks?|months?|years?)\b", re.IGNORECASE
)
_ONE_DAY = re.compile(r"prochain|suivant|next|following", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount. `text` is as written, with its currency and period if any; `value` is a decimal such as `1234.56`."""

    text: str
    value: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference number. A social security number is masked except for its last two digits."""

    text: str
    kind: ReferenceKind
    label: str


@dataclass(frozen=True, slots=True)
class Sender:
    """The organisation that sent the letter; `name` is its usual French name."""

    kind: SenderKind
    name: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts of a letter, without duplicates. Dates are sorted by urgency, references by kind."""

    dates: tuple[Date, ...]
    amounts: tuple[Amount, ...]
    references: tuple[Reference, ...]
    sender: Sender | None

    def may_end_later(self, date: Date) -> bool:
        """Whether a time limit is counted from the letter's date, though it may run from the receipt.

        The day of the receipt is not in the letter. `mayEndLater` in static/chat/documents.js says the same.
        """
        if date.kind != "deadline" or not date.iso or not date.basis or date.iso < date.basis:
            return False
        is_from_letter = any(each.kind == "letter" and each.iso == date.basis for each in self.dates)
        return is_from_letter and bool(_OF_DAYS.search(date.text)) and not _ONE_DAY.search(date.text)


NO_FACTS = Facts((), (), (), None)
