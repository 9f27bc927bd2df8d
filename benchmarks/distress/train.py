"""`make distress-model`: learns the weights of chat/pipeline/distress_classifier.py, and evaluates them.

No writer of `sentences/train_*.jsonl` wrote `dev.jsonl` or a file of the judges, and all worked from a description of
the kinds alone: figures on them measure sentences of authors that the model has not seen. Thresholds are chosen on
`dev`; docs/distress.md tells how often the judges were looked at. Needs scikit-learn.
"""

from __future__ import annotations

import gzip
from collections import Counter
from itertools import chain
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.svm import LinearSVC

from benchmarks.distress.evaluation import SENTENCES, Sentence, read
from chat.pipeline.distress_classifier import KINDS, MIN_LENGTH, MODEL, features, fold

MIN_COUNT = 2  # sentences that must have a feature
FALSE_ALARMS = 0.03  # share of the calm sentences of `dev`, half of them look-alikes, more than in life
CERTAIN_FALSE_KINDS = 0.03  # share of the kinds told alone on `dev` that may be wrong
INVERSE_REGULARISATION = 1.0
SCALE = 3.0  # of the margins: PHRASE_WEIGHT and WINDOW_MARGIN were chosen with a logistic regression's scores
PARAPHRASES = [SENTENCES.parents[1] / "knowledge" / f"paraphrases_{number}.jsonl" for number in (2, 3)]
# Their readers are rarely calm.
ENTRIES_IN_DISTRESS = {
    "avc",
    "desaccord-parents",
    "enfant-ase",
    "epilepsie",
    "epuisement-parental",
    "harcelement-scolaire",
    "lignes-ecoute",
    "maltraitance-etablissement",
    "numeros-urgence",
    "refus-scolaire-anxieux",
    "repit-aidants",
    "traumatisme-cranien",
    "troubles-psychiques",
}


class Vocabulary:
    """The features of one group, each with its rarity (inverse document frequency)."""

    def __init__(self, groups: list[Counter[str]]) -> None:
        counts = Counter(chain.from_iterable(groups))
        self.rows = {f: n for n, f in enumerate(f for f, count in counts.items() if count >= MIN_COUNT)}
        self.rarity = np.array([np.log(1 + len(groups) / counts[feature]) for feature in self.rows])
        self.matrix = self._normalised(groups)

    def _normalised(self, groups: list[Counter[str]]) -> Any:
        """A feature counts, and adds its square to the squared length, as often as it occurs."""
        places = [
            (n, self.rows[f], count) for n, group in enumerate(groups) for f, count in group.items() if f in self.rows
        ]
        rows, columns, counts = (np.array(each) for each in zip(*places, strict=True))
        shape = (len(groups), len(self.rows))
        matrix = csr_matrix((self.rarity[columns] * counts, (rows, columns)), shape=shape)
        squares = csr_matrix((self.rarity[columns] ** 2 * counts, (rows, columns)), shape=shape)
        norms = np.sqrt(np.asarray(squares.sum(1))).ravel()
        return diags(1 / np.maximum(norms, MIN_LENGTH)) @ matrix


def main() -> None:
    train = [sentence for path in sorted(SENTENCES.glob("train_*.jsonl")) for sentence in read(path)]
    train += _calm_paraphrases()
    labels = np.array([sentence.label for sentence in train])
    vocabularies = [Vocabulary(list(group)) for group in zip(*map(_groups, train), strict=True)]
    weights, bias = _fit(hstack([each.matrix for each in vocabularies]).tocsr(), labels)
    data: dict[str, Any] = {
        "features": [feature for each in vocabularies for feature in each.rows],
        "rarity": [round(float(value), 2) for each in vocabularies for value in each.rarity],
        "weights": [[round(float(value), 2) for value in row] for row in weights],
        "bias": [round(float(value), 3) for value in bias],
        "threshold": 0.0,
        "certain": 0.0,
    }
    _write(data, MODEL)
    data |= _thresholds()
    _write(data, MODEL)
    print(f"{len(train)} sentences, {len(data['features'])} features, {MODEL.stat().st_size // 1024} KB")


def _calm_paraphrases() -> list[Sentence]:
    """Those of the search that are not among the sentences, of entries whose readers write calmly."""
    rows = chain.from_iterable(map(orjson.loads, path.read_bytes().splitlines()) for path in PARAPHRASES)
    return [Sentence(row["text"], "none") for row in rows if row["entry"] not in ENTRIES_IN_DISTRESS]


def _groups(sentence: Sentence) -> tuple[Counter[str], Counter[str]]:
    """Words and pairs of words; character n-grams."""
    words, pairs, ngrams = features(fold(sentence.text))
    return Counter([*words, *pairs]), Counter(ngrams)


def _fit(rows: Any, labels: Any) -> tuple[Any, Any]:
    """A kind's weights: the mean of those that tell distress from calm and those that tell this kind from all else.

    The former know what all kinds have in common, the latter what one kind alone has: the mean of both detects more
    than either.
    """
    distress = LinearSVC(C=INVERSE_REGULARISATION, class_weight="balanced").fit(rows, labels != "none")
    kinds = LinearSVC(C=INVERSE_REGULARISATION, class_weight="balanced").fit(rows, labels)
    order = [list(kinds.classes_).index(kind) for kind in KINDS]
    weights = (distress.coef_ + kinds.coef_[order]) / 2
    return SCALE * weights.T, SCALE * (distress.intercept_ + kinds.intercept_[order]) / 2


def _thresholds() -> dict[str, float]:
    from chat.pipeline import distress, distress_classifier  # noqa: PLC0415 reads the file that has just been written

    distress_classifier.model.cache_clear()
    distress_classifier.contribution.cache_clear()
    dev = read(SENTENCES / "dev.jsonl")
    scores = [(distress.assess(text).score, label != "none") for text, label in dev]
    calm = sorted(score for score, has_sign in scores if not has_sign)
    threshold = calm[int(len(calm) * (1 - FALSE_ALARMS))]
    leads = []
    for text, label in dev:
        found = distress.assess(text)
        if label != "none" and found.score >= threshold:
            kind, _, lead = found.by_classifier.likeliest_kinds()
            leads.append((lead, kind == label))
    certain, right = 0.0, 0
    for number, (lead, is_right) in enumerate(sorted(leads, reverse=True), 1):
        right += is_right
        if right / number >= 1 - CERTAIN_FALSE_KINDS:
            certain = lead
    return {"threshold": floor(threshold * 1000) / 1000, "certain": round(certain, 3)}


def _write(model: dict[str, Any], path: Path) -> None:
    path.write_bytes(gzip.compress(orjson.dumps(model), 9, mtime=0))


if __name__ == "__main__":
    main()
