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
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import orjson

from chat.core import unicode_text
from chat.core.ngrams import ngrams_of, with_ends

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


class Contribution(NamedTuple):
    """What a word adds to a text, by group (itself, its n-grams): to the score, and to the squared vector length."""

    whole: float
    whole_square: float
    ngrams: float
    ngrams_square: float


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
    window: str

    def likeliest_kinds(self) -> tuple[Kind, Kind, float]:
        """The two kinds with the highest scores in that window, and how far the first is ahead of the second."""
        words, pairs, ngrams = features(self.window)
        groups = [
            (rows, _length(sum(map(model().squares.__getitem__, rows))))
            for rows in (_known([*words, *pairs]), _known(ngrams))
        ]

        def score_of(number: int) -> float:
            weight = model().weights[number].__getitem__
            return model().bias[number] + sum(sum(map(weight, rows)) / length for rows, length in groups)

        ranked = sorted((score_of(number), kind) for number, kind in enumerate(KINDS, 1))
        (score, second), (best, first) = ranked[-2:]
        return first, second, best - score


def find(plain: str) -> Finding:
    """The distress in a message without accents: the score of the whole, or that of its parts less WINDOW_MARGIN.

    Whichever is higher. Linear in the length.
    """
    found = list(windows(plain[:MAX_CHARACTERS]))
    whole, *parts = scores = list(map(_score, found))
    score = max(whole, max(parts, default=-math.inf) - WINDOW_MARGIN)
    return Finding(score, found[scores.index(max(scores))])


def _score(folded: str) -> float:
    """The distress of a folded text. Words and n-grams count alike, however many there are of either."""
    words = folded.split()
    pairs = _known(set(map("{} {}".format, words, words[1:])))
    whole, ngrams = sum(map(model().weights[0].__getitem__, pairs)), 0.0
    whole_square, ngrams_square = sum(map(model().squares.__getitem__, pairs)), 0.0
    for added in map(contribution, dict.fromkeys(words)):
        whole += added[0]
        whole_square += added[1]
        ngrams += added[2]
        ngrams_square += added[3]
    return model().bias[0] + whole / _length(whole_square) + ngrams / _length(ngrams_square)


# Messages repeat the same words: splitting and looking them up again was most of the work.
@lru_cache(maxsize=8192)
def contribution(word: str) -> Contribution:
    words, _, ngrams = features(word)
    sums = (
        sum(map(column.__getitem__, rows))
        for rows in (_known(words), _known(ngrams))
        for column in (model().weights[0], model().squares)
    )
    return Contribution(*sums)


def _known(group: Iterable[str]) -> list[int]:
    """The rows of those of these features that the model knows."""
    return [row for row in map(model().rows.get, group) if row is not None]


def _length(square: float) -> float:
    return max(MIN_LENGTH, math.sqrt(square))


def windows(plain: str) -> Iterator[str]:
    """The folded message; of a long one its parts too, so that calm text does not outweigh one sentence with a sign."""
    whole = _words_of(plain)
    yield whole
    words = whole.split()
    if len(words) <= _LONG_WORDS:
        return
    sentences = [folded for part in _SENTENCE_END.split(plain) if (folded := _words_of(part))]
    yield from sentences
    yield from (f"{first} {second}" for first, second in pairwise(sentences))
    for start in range(0, len(words) - _WINDOW_STEP, _WINDOW_STEP):
        yield " ".join(words[start : start + _WINDOW_WORDS])


def fold(text: str) -> str:
    """Lower-case words of ASCII letters, digits and apostrophes, with single spaces."""
    return _words_of(without_accents(text))


def _words_of(plain: str) -> str:
    return _NOT_WORDS.sub(" ", plain).strip()


def without_accents(text: str) -> str:
    """`J’en peux PLUS, à côté` → `j'en peux plus, a cote`."""
    decomposed = unicode_text.normalize("NFKD", text.casefold().replace("\u2019", "'").replace("\u0153", "oe"))
    return _ACCENTS.sub("", decomposed)


def features(folded: str) -> tuple[list[str], set[str], list[str]]:
    """Different words, pairs of words, and each word's character n-grams: those of several words several times."""
    words = folded.split()
    padded = list(map(with_ends, dict.fromkeys(words)))
    pairs = {f"{first} {second}" for first, second in pairwise(words)}
    return padded, pairs, [ngram for word in padded for ngram in {*ngrams_of(word, _NGRAM_LENGTHS)} - {word}]
