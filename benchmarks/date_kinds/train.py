"""`make date-kinds`: learns the weights of chat/documents/extraction/days/kind_classifier.py, and evaluates them.

No author of `texts/extracts_*.txt` and `texts/letters_*.txt` wrote `texts/judge.txt` or a file of labelled letters, and
all worked from texts/README.md alone. `own.txt` has the sentences of this program's tests. Needs scikit-learn.
"""

from __future__ import annotations

import gzip
from array import array
from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

from benchmarks.date_kinds import evaluation
from benchmarks.date_kinds.marked import LETTERS, TEXTS, Example, read, read_labelled
from chat.documents.extraction.days.kind_classifier import (
    KINDS,
    MODEL,
    ROWS,
    SCALE,
    features,
    model,
    rows_of,
)

# How much a date of a file counts: those of whole letters are as the program meets them.
WEIGHTS = {"extracts": 1.0, "letters": 2.0, "own": 6.0}
LABELLED_WEIGHT = 3.0
LABELLED = ("judged_dev", "judged2_dev", "judged3_dev", "judged4_dev", "judged5_dev")
# Some kinds are rarer than they matter.
CLASS_WEIGHTS = {"appointment": 2.0, "decision": 2.0, "end_of_rights": 1.5}
INVERSE_REGULARISATION = 0.3


def main() -> None:
    sources = [(read(path), WEIGHTS[path.stem.partition("_")[0]]) for path in sorted(TEXTS.glob("*_*.txt"))]
    sources.append((read(TEXTS / "own.txt"), WEIGHTS["own"]))
    sources += [(list(read_labelled(LETTERS / f"{name}.yaml")), LABELLED_WEIGHT) for name in LABELLED]
    examples = [example for found, _ in sources for example in found]
    weights = [weight for found, weight in sources for _ in found]
    classifier = LinearSVC(C=INVERSE_REGULARISATION, class_weight=CLASS_WEIGHTS, random_state=0)
    classifier.fit(_matrix(examples), [example.kind for example in examples], sample_weight=weights)
    order = [list(classifier.classes_).index(kind) for kind in KINDS]
    _write(classifier.coef_[order], classifier.intercept_[order])
    model.cache_clear()  # the texts were read with the model before
    print(f"{len(examples)} dates, {MODEL.stat().st_size // 1024} KB")
    evaluation.main()


def _matrix(examples: Sequence[Example]) -> Any:
    """A row for each example, of length 1: as in `kind_classifier.kind_of`."""
    found = [sorted(rows_of(features(example.place))) for example in examples]
    numbers = [number for number, rows in enumerate(found) for _ in rows]
    values = [1 / sqrt(len(rows)) for rows in found for _ in rows]
    return csr_matrix((values, (numbers, [row for rows in found for row in rows])), shape=(len(examples), ROWS))


def _write(weights: Any, bias: Any) -> None:
    step = float(np.abs(weights).max()) / SCALE
    header = array("f", [step, *map(float, bias)])
    MODEL.write_bytes(gzip.compress(header.tobytes() + np.round(weights / step).astype(np.int8).tobytes(), 9, mtime=0))


if __name__ == "__main__":
    main()
