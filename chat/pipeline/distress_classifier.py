"""Linear classifiers of distress, one for each kind, over words, pairs of words and character n-grams.

The highest of their scores tells distress from calm, and which is the highest tells the kind.

`distress_model.json.gz` holds its weights, learned by `make distress-model` from the sentences in
benchmarks/distress/sentences (docs/distress.md tells how well it does). Folding, windows and features must be the same
when it is trained and when it is used: both import them from here.
"""

from __future__ import annotations

import gzip
import math
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
COLUMNS = len(KINDS) + 1

Vector = Sequence[float]  # of COLUMNS values

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
    """`rows` numbers the features; each has a vector of COLUMNS values in `vectors`."""

    rows: dict[str, int]
    vectors: array[float]  # a weight for each kind, multiplied by the feature's rarity; then the squared rarity
    bias: Sequence[float]
    threshold: float  # of the highest score: from here on it is distress
    certain: float  # of the best kind's lead over the second: from here on the second kind is left out


@cache
def model() -> Model:
    data = orjson.loads(gzip.decompress(MODEL.read_bytes()))
    rows = {feature: row for row, feature in enumerate(data["features"])}
    vectors = array("f")
    for rarity, weights in zip(data["rarity"], data["weights"], strict=True):
        vectors.extend([*(rarity * weight for weight in weights), rarity**2])
    return Model(rows, vectors, data["bias"], data["threshold"], data["certain"])


class Finding(NamedTuple):
    """The score of each kind in a message; the highest tells distress from calm."""

    scores: Sequence[float]

    @property
    def score(self) -> float:
        return max(self.scores)

    def likeliest_kinds(self) -> tuple[Kind, Kind, float]:
        """The two kinds with the highest scores, and how far the first is ahead of the second."""
        ranked = sorted(zip(self.scores, KINDS, strict=True))
        (score, second), (best, first) = ranked[-2:]
        return first, second, best - score


def find(plain: str) -> Finding:
    """The distress in a message without accents: each kind's score in the whole, or in a part less WINDOW_MARGIN.

    Whichever is higher. Linear in the length.
    """
    whole, *parts = map(_scores, windows(plain[:MAX_CHARACTERS]))
    if not parts:
        return Finding(whole)
    return Finding([max(score, max(in_parts) - WINDOW_MARGIN) for score, *in_parts in zip(whole, *parts, strict=True)])


def _scores(folded: str) -> list[float]:
    """The score of each kind in a folded text. Words and n-grams count alike, however many there are of either."""
    words = folded.split()
    pairs = _vectors_of(set(map("{} {}".format, words, words[1:])))
    by_word = list(map(contribution, dict.fromkeys(words)))
    *whole, square = _sum([*pairs, *(whole for whole, _ in by_word)])
    *ngrams, ngrams_square = _sum([ngrams for _, ngrams in by_word])
    length, ngrams_length = _length(square), _length(ngrams_square)
    return [
        bias + of_whole / length + of_ngrams / ngrams_length
        for bias, of_whole, of_ngrams in zip(model().bias, whole, ngrams, strict=True)
    ]


# Messages repeat the same words: splitting and looking them up again was most of the work.
@lru_cache(maxsize=8192)
def contribution(word: str) -> tuple[Vector, Vector]:
    """What a word adds to a text: itself, and its n-grams."""
    words, _, ngrams = features(word)
    return _sum(_vectors_of(words)), _sum(_vectors_of(ngrams))


def _vectors_of(group: Iterable[str]) -> list[Vector]:
    """The vectors of those of these features that the model knows."""
    rows, vectors = model().rows, model().vectors
    return [vectors[row * COLUMNS : (row + 1) * COLUMNS] for row in map(rows.get, group) if row is not None]


def _sum(vectors: Sequence[Vector]) -> Vector:
    return tuple(map(sum, zip(*vectors, strict=True))) or (0.0,) * COLUMNS


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
