"""A linear classifier of questions by the entry they ask for, over words and their character n-grams.

BM25 counts how many words a question shares with an entry; the classifier has learned, from 17,200 paraphrases, which
words tell one entry from all others, and from 988 questions that no entry answers, which words tell these from all
entries. Entries that an operator adds are not in it.

`paraphrase_model_*.gz` holds its weights, learned by `make paraphrases`. The features must be the same when it is
trained and when it is used: both import them from here.
"""

from __future__ import annotations

import gzip
import math
from array import array
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import orjson

from chat.core.language import Language
from chat.core.ngrams import ngrams_of, with_ends
from chat.knowledge.postings import position_of

NO_ENTRY = ""  # the class of the questions that no entry answers
NGRAM_LENGTH = 3  # including the end markers of a word; n-grams of four, too, double the memory and find no more


class WordVector(NamedTuple):
    """The contribution of one word: to the margin of each class, and to the squared length of a question's vector."""

    margins: array[float]
    squared_norm: float


class ParaphraseClassifier:
    """The weights of one language. Immutable, safe to share between threads."""

    def __init__(self, model: Path) -> None:
        header, _, weights = gzip.decompress(model.read_bytes()).partition(b"\n")
        data = orjson.loads(header)
        features = data["features"]
        by_hash = sorted(range(len(features)), key=lambda row: hash(features[row]))
        # A dict of the features takes ten times the memory.
        self._hashes = array("q", (hash(features[row]) for row in by_hash))
        self._rows = array("H", by_hash)
        self._squares = array("f", (idf**2 for idf in data["idf"]))
        self._weights = array("b", weights)  # by feature, one for each class
        self._unit: float = data["unit"]
        self._slugs: list[str] = data["slugs"]
        self.slugs = frozenset(self._slugs) - {NO_ENTRY}  # the entries that it has learned
        self._bias = array("f", data["bias"])
        # Questions repeat the same words: adding up known vectors is a tenth of the work of computing them.
        self._word_vector = lru_cache(maxsize=2048)(self._compute_word_vector)

    def fits(self, words: Iterable[str]) -> dict[str, float]:
        """How well each entry, and NO_ENTRY, fits these words: 0 for most, 1 if as likely as not, seldom over 2."""
        vectors = list(map(self._word_vector, words))
        scale = self._unit / (math.sqrt(sum([vector.squared_norm for vector in vectors])) or 1.0)
        margins = map(sum, zip(*(vector.margins for vector in vectors), strict=True))
        return {
            slug: fit
            for slug, bias, margin in zip(self._slugs, self._bias, margins, strict=False)
            if (fit := 1.0 + bias + margin * scale) > 0
        }

    def _compute_word_vector(self, word: str) -> WordVector:
        rows = [row for feature in features_of(word) if (row := self._row(hash(feature))) is not None]
        columns = zip(*map(self._weights_of, rows), strict=True)
        margins = array("f", map(sum, columns)) or array("f", bytes(4 * len(self._slugs)))
        return WordVector(margins, sum(self._squares[row] for row in rows))

    def _row(self, feature_hash: int) -> int | None:
        position = position_of(self._hashes, feature_hash)
        return None if position is None else self._rows[position]

    def _weights_of(self, row: int) -> Sequence[int]:
        return self._weights[row * len(self._slugs) : (row + 1) * len(self._slugs)]


def features_of(word: str) -> set[str]:
    """The word with its ends marked, and its character n-grams."""
    word = with_ends(word)
    return {word, *ngrams_of(word, [NGRAM_LENGTH])}


def model_file(language: Language) -> Path:
    return Path(__file__).with_name(f"paraphrase_model_{language}.gz")


@cache
def for_language(language: Language) -> ParaphraseClassifier:
    return ParaphraseClassifier(model_file(language))
