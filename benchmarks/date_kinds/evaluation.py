"""How often the kind of a date is right in texts that the classifier was not learned from.

It was learned from other letters of the authors of UNREAD, and from nothing of those of UNKNOWN, one each, and of
`texts/judge.txt`.

`python -m benchmarks.date_kinds.evaluation`
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.date_kinds.marked import LETTERS, TEXTS, Example, read, read_labelled
from chat.documents.extraction.days.kind_classifier import kind_of

UNREAD = ("judged_test", "judged2_test", "judged4_test", "judged5_test")
UNKNOWN = ("judged6_test", "judged7_test", "judged8_test")


class Report(NamedTuple):
    """Shares: of the dates whose kind is right; of those found to be deadlines, and of the deadlines."""

    dates: int
    right: float
    precision: float
    recall: float


def evaluate(examples: Sequence[Example]) -> Report:
    """The report on these dates, which must have a deadline and get one."""
    pairs = [(example.kind, kind_of(example.place)) for example in examples]
    both = sum(label == found == "deadline" for label, found in pairs)
    return Report(
        len(pairs),
        sum(label == found for label, found in pairs) / len(pairs),
        both / sum(found == "deadline" for _, found in pairs),
        both / sum(label == "deadline" for label, _ in pairs),
    )


def main() -> None:
    _show("extracts of an unknown author", read(TEXTS / "judge.txt"))
    for name in UNKNOWN:
        _show(f"written days in {name}, by an unknown author", written_days([name]))
    _show("written days in letters that nobody read", written_days(UNREAD))


def written_days(names: Sequence[str]) -> list[Example]:
    """Those of these files of letters."""
    examples = (example for name in names for example in read_labelled(LETTERS / f"{name}.yaml"))
    return [example for example in examples if not example.place.is_period]


def _show(name: str, examples: Sequence[Example]) -> None:
    report = evaluate(examples)
    print(f"{name}: {report.dates} dates, right kind {report.right:.3f}")
    print(f"  deadlines: precision {report.precision:.3f}, recall {report.recall:.3f}")


if __name__ == "__main__":
    main()
