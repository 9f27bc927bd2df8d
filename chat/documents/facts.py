"""The facts found in a letter. Each has a `kind` for programs and a French label or name for people."""

from __future__ import annotations

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
    the letter, because the date of receipt is unknown. Then it may end later, and is not `certain`.
    """

    text: str
    iso: str | None
    kind: DateKind
    label: str
    basis: str | None = None
    certain: bool = True


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


NO_FACTS = Facts((), (), (), None)
