"""A linear classifier of distress by kind, over words, pairs of words and character n-grams.

`distress_model.json.gz` holds its weights, learned by `make distress-model` from the sentences in
benchmarks/distress/sentences (docs/answers.md tells how well it does). Folding, windows and features must be the same
when it is trained and when it is used: both import them from here.
"""

from __future__ import annotations

import gzip
import math
import operator
import re
from array import array
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import orjson

from chat.core import unicode_text

Kind = Literal[
    "medical", "suicide", "couple", "child", "losing_control", "exhaustion", "no_roof", "bullying", "missing"
]
KINDS: tuple[Kind, ...] = get_args(Kind)

MODEL = Path(__file__).with_name("distress_model.json.gz")
MAX_CHARACTERS = 4000  # of a message that are looked at: as many as a message may have
# A part of a long message needs a higher score than a whole message: it is easily misread without the rest.
WINDOW_MARGIN = 2.0
# The length of a vector counts as this much at least: three words say little.
MIN_LENGTH = 24.0
_ACCENTS = re.compile("[\u0300-\u036f]+")
_NOT_WORDS = re.compile(r"[^a-z0-9']+")
_SENTENCE_END = re.compile(r"[.!?\n;:…]+")
_NGRAM_LENGTHS = (3, 4)
_LONG_WORDS, _WINDOW_WORDS, _WINDOW_STEP = 30, 20, 10


class Model(NamedTuple):
    """`rows` gives a feature's place in `squares` and in each of `weights`: of distress, then of each kind."""

    rows: dict[str, int]
    squares: array[float]  # of the rarity
    weights: list[array[float]]  # multiplied by the rarity
    bias: Sequence[float]
    threshold: float  # of the first score: from here on it is distress
    certain: float  # of the best kind's lead over the second: from here on the second kind is left out


class Known(NamedTuple):
    """The rows of a text's features that the model knows, of one group, and the length of the group's vector."""

    rows: set[int]
    length: float


@cache
def model() -> Model:
    data = orjson.loads(gzip.decompress(MODEL.read_bytes()))
    rows = {feature: row for row, feature in enumerate(data["features"])}
    rarity = array("d", data["rarity"])
    weights = [array("d", map(operator.mul, rarity, each)) for each in data["weights"]]
    squares = array("d", map(operator.mul, rarity, rarity))
    return Model(rows, squares, weights, data["bias"], data["threshold"], data["certain"])


class Finding(NamedTuple):
    """What is found in a message: distress from `model().threshold` on, and its window that has most distress."""

    score: float
    window: tuple[Known, Known]

    def likeliest_kinds(self) -> tuple[Kind, Kind, float]:
        """The two kinds with the highest scores in that window, and how far the first is ahead of the second."""
        ranked = sorted((_score(self.window, number), kind) for number, kind in enumerate(KINDS, 1))
        (score, second), (best, first) = ranked[-2:]
        return first, second, best - score


def find(text: str) -> Finding:
    """The distress in a message: the score of the whole, or that of its parts less WINDOW_MARGIN, whichever is higher.

    Linear in the length.
    """
    found = [_known(window) for window in windows(text[:MAX_CHARACTERS])]
    whole, *parts = scores = [_score(known, 0) for known in found]
    score = max(whole, max(parts, default=-math.inf) - WINDOW_MARGIN)
    return Finding(score, found[scores.index(max(scores))])


def _known(folded: str) -> tuple[Known, Known]:
    """The features of a folded text by group, as in `features`."""
    rows, words = model().rows, folded.split()
    pairs = map(rows.get, map("{} {}".format, words, words[1:]))
    whole, ngrams = set(pairs), set[int]()
    for row, ngrams_of_word in map(rows_of_word, words):
        whole.add(row)
        ngrams.update(ngrams_of_word)
    return _measured({row for row in whole if row is not None}), _measured(ngrams)


def _measured(rows: set[int]) -> Known:
    return Known(rows, max(MIN_LENGTH, math.sqrt(sum(map(model().squares.__getitem__, rows)))))


# Messages repeat the same words: splitting and looking them up again was two thirds of the work.
@lru_cache(maxsize=8192)
def rows_of_word(word: str) -> tuple[int | None, tuple[int, ...]]:
    """The row of the word itself, and those of its n-grams; None for unknown ones, which are left out of the latter."""
    rows = model().rows
    (padded,), ngrams = features(word)
    return rows.get(padded), tuple(row for ngram in ngrams if (row := rows.get(ngram)) is not None)


def _score(known: tuple[Known, Known], number: int) -> float:
    """Words and n-grams count alike, however many there are of either."""
    weight = model().weights[number].__getitem__
    return model().bias[number] + sum(sum(map(weight, group.rows)) / group.length for group in known)


def windows(text: str) -> Iterator[str]:
    """The folded message; of a long one its parts too, so that calm text does not outweigh one sentence with a sign."""
    whole = fold(text)
    yield whole
    words = whole.split()
    if len(words) <= _LONG_WORDS:
        return
    sentences = [folded for part in _SENTENCE_END.split(text) if (folded := fold(part))]
    yield from sentences
    yield from (f"{first} {second}" for first, second in pairwise(sentences))
    for start in range(0, len(words) - _WINDOW_STEP, _WINDOW_STEP):
        yield " ".join(words[start : start + _WINDOW_WORDS])


def fold(text: str) -> str:
    """Lower-case words of ASCII letters, digits and apostrophes, with single spaces."""
    return _NOT_WORDS.sub(" ", without_accents(text)).strip()


def without_accents(text: str) -> str:
    """`J’en peux PLUS, à côté` → `j'en peux plus, a cote`."""
    decomposed = unicode_text.normalize("NFKD", text.casefold().replace("\u2019", "'").replace("\u0153", "oe"))
    return _ACCENTS.sub("", decomposed)


def features(folded: str) -> tuple[set[str], set[str]]:
    """Whole words and pairs of words; character n-grams within words."""
    words = folded.split()
    padded = [f" {word} " for word in words]
    whole = {*padded, *(f"{first} {second}" for first, second in pairwise(words))}
    ngrams = {
        word[start : start + length]
        for word in padded
        for length in _NGRAM_LENGTHS
        for start in range(len(word) - length + 1)
    }
    return whole, ngrams - whole
