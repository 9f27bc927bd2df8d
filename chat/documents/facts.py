"""What can be found in a letter without the AI. Each fact has a `kind` for programs and words for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DateKind = Literal["deadline", "appointment", "decision", "birth", "other"]
ReferenceKind = Literal[
    "file", "beneficiary", "form", "social_security", "pupil", "candidate", "member", "contract", "invoice"
]
SenderKind = Literal[
    "mdph", "caf", "msa", "cpam", "school", "court", "department", "tax", "town", "hospital", "care"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Date:
    """A date or a delay as it is written; `iso` where day, month and year are known; `label` is its kind in French."""

    text: str
    iso: str | None
    kind: DateKind
    label: str


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in euros as it is written, with its period if any; `value` is a decimal number such as `1234.56`."""

    text: str
    value: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A number to quote; `label` is its kind in French. Of a social security number all but the end is hidden."""

    text: str
    kind: ReferenceKind
    label: str


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes; `name` as people say it in French."""

    kind: SenderKind
    name: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a letter is about, each fact once: deadlines first among the dates, references by kind."""

    dates: tuple[Date, ...]
    amounts: tuple[Amount, ...]
    references: tuple[Reference, ...]
    sender: Sender | None
