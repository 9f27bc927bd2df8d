"""Similarity of texts by character n-grams, which is robust to misspellings, inflections and compounds.

Each word, with its ends marked, is split into n-grams of three to five characters. The similarity of two texts is the
cosine of their tf-idf vectors. N-grams that more than half of the texts contain are left out: that saves three quarters
of the work at equal recall.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from chat.core.ngrams import ngrams_of, with_ends
from chat.knowledge.cooperative import cooperative
from chat.knowledge.postings import Postings

MIN_LENGTH, MAX_LENGTH = 3, 5  # characters of an n-gram, including the end markers of a word
MAX_DOCUMENT_SHARE = 0.5  # of the texts; more frequent n-grams are ignored

Splitter = Callable[[str], Iterable[str]]


class WordVector(NamedTuple):
    """The contribution of one word to the vector of a question."""

    ngrams: array[int]  # hashes
    dot_products: array[float]  # with the vector of each text
    squared_norm: float


class CharNgrams:
    """The n-gram vectors of a few dozen texts. Immutable, safe to share between threads."""

    def __init__(self, texts: Sequence[str], ignored: frozenset[str]) -> None:
        """`ignored` are stop words, left out of texts and questions."""
        self._ignored = ignored
        self._size = len(texts)
        max_frequency = max(1, int(MAX_DOCUMENT_SHARE * self._size))
        self._unknown_idf, *idf = (math.log((self._size + 1) / (count + 0.5)) for count in range(max_frequency + 1))
        self._idf = [0.0, *idf]  # by document frequency; 0 stands for an ignored n-gram
        split = lru_cache(maxsize=512)(_ngrams)  # an article repeats its words
        document_frequency = Counter(
            ngram for text in cooperative(texts) for ngram in set(self._ngrams_of(text, split))
        )
        row_counts = {ngram: count if count <= max_frequency else 0 for ngram, count in document_frequency.items()}
        self._postings = Postings(row_counts, self._unit_vectors(texts, split, row_counts))
        # Questions repeat the same words: adding up known vectors is a tenth of the work of computing them.
        self._word_vector = lru_cache(maxsize=2048)(self._compute_word_vector)

    def similarities(self, words: Iterable[str]) -> list[float]:
        """The cosine similarity of these words to each text, from 0 to 1."""
        vectors = [self._word_vector(word) for word in words if word not in self._ignored]
        columns = zip(*(vector.dot_products for vector in vectors), strict=True)
        dot_products: list[float] = list(map(sum, columns)) or [0.0] * self._size
        squared_norm = sum([vector.squared_norm for vector in vectors])
        ngrams = list(chain.from_iterable([vector.ngrams for vector in vectors]))
        if len(set(ngrams)) < len(ngrams):
            squared_norm += self._damp_repeated(dot_products, Counter(ngrams))
        norm = math.sqrt(squared_norm) or 1.0
        return [each / norm for each in dot_products]

    def _damp_repeated(self, dot_products: list[float], counts: Counter[int]) -> float:
        """Make repeated n-grams count logarithmically: corrects `dot_products`, returns the squared norm's change."""
        correction = 0.0
        for ngram, count in counts.items():
            if count > 1:
                rows, idf = self._rows_and_idf(ngram)
                correction += (_log_frequency(count) ** 2 - count) * idf**2
                for number, weight in rows:
                    dot_products[number] += (_log_frequency(count) - count) * idf * weight
        return correction

    def _compute_word_vector(self, word: str) -> WordVector:
        ngrams = array("q", map(hash, _ngrams(word)))
        dot_products, squared_norm = array("f", bytes(4 * self._size)), 0.0
        for rows, idf in map(self._rows_and_idf, ngrams):
            squared_norm += idf**2
            for number, weight in rows:
                dot_products[number] += idf * weight
        return WordVector(ngrams, dot_products, squared_norm)

    def _rows_and_idf(self, ngram: int) -> tuple[Sequence[tuple[int, float]], float]:
        """The texts with this n-gram and its weights in them, and its idf."""
        rows = self._postings.get_by_hash(ngram)
        return ((), self._unknown_idf) if rows is None else (rows, self._idf[len(rows)])

    def _unit_vectors(
        self, texts: Sequence[str], split: Splitter, row_counts: Mapping[str, int]
    ) -> Iterator[tuple[str, int, float]]:
        """Rows of (n-gram, text number, weight): the vector of each text, scaled to length 1."""
        for number, text in enumerate(cooperative(texts)):
            weights = {
                ngram: _log_frequency(count) * self._idf[document_frequency]
                for ngram, count in Counter(self._ngrams_of(text, split)).items()
                if (document_frequency := row_counts[ngram])
            }
            norm = math.hypot(*weights.values())
            for ngram, weight in weights.items():
                yield ngram, number, weight / norm

    def _ngrams_of(self, text: str, split: Splitter) -> Iterator[str]:
        return chain.from_iterable(split(word) for word in text.split() if word not in self._ignored)


def _ngrams(word: str) -> list[str]:
    return ngrams_of(with_ends(word), range(MIN_LENGTH, MAX_LENGTH + 1))


def _log_frequency(count: int) -> float:
    """The logarithmic term frequency: 1 for one occurrence."""
    return 1 + math.log(count)
