"""Evaluates the detection of distress: `python -m benchmarks.distress.evaluation [file]`, by default `judge.jsonl`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

from chat.pipeline import distress

SENTENCES = Path(__file__).with_name("sentences")


class Sentence(NamedTuple):
    """A message, and its kind of distress, `none` for a calm one."""

    text: str
    label: str


class Report(NamedTuple):
    """Shares: `heard` of the sentences with a sign, `false_alarms` of the calm ones, the others of those heard.

    A kind is right if it is the first of the notice, told if it is among the two of it.
    """

    heard: float
    right_kind: float
    told_kind: float
    false_alarms: float
    by_kind: dict[str, tuple[int, int, int]]  # sentences, detected, with the right kind


def read(path: Path) -> list[Sentence]:
    rows = [orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
    return [Sentence(row["text"], row["label"]) for row in rows]


def evaluate(sentences: Sequence[Sentence]) -> Report:
    found = [(sentence.label, distress.detect(sentence.text)) for sentence in sentences]
    signs = [(label, kinds) for label, kinds in found if label != "none"]
    calm = [kinds for label, kinds in found if label == "none"]
    total, heard = Counter(label for label, _ in signs), Counter(label for label, kinds in signs if kinds)
    right = Counter(label for label, kinds in signs if label in kinds[:1])
    return Report(
        heard.total() / len(signs),
        right.total() / heard.total(),
        sum(label in kinds for label, kinds in signs) / heard.total(),
        sum(map(bool, calm)) / len(calm),
        {label: (total[label], heard[label], right[label]) for label in total},
    )


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else SENTENCES / "judge.jsonl"
    report = evaluate(read(path))
    print(f"heard {report.heard:.1%}, false alarms {report.false_alarms:.1%}")
    print(f"of those heard: right kind first {report.right_kind:.1%}, told {report.told_kind:.1%}")
    print(f"{'kind':16} sentences heard right")
    for kind, (total, heard, right) in sorted(report.by_kind.items()):
        print(f"{kind:16} {total:9} {heard:5} {right:5}")


if __name__ == "__main__":
    main()
