"""BM25 scores of every term in every entry, over several weighted fields, computed once when the index is built.

A search only adds up precomputed scores. A search engine computes them again for each question; Tantivy, whose scores
these equal within rounding, took 15 MB for a few dozen articles and 9 MB more after each change of one.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from chat.knowledge.cooperative import cooperative
from chat.knowledge.postings import Postings

# Tuned with `manage.py evaluate_knowledge` on its tuning sets. Measure again before changing any of them.
FIELD_BOOSTS = {"slug": 2.0, "title": 2.0, "keywords": 2.0, "questions": 1.6, "paraphrases": 1.8, "text": 1.2}
MAX_BOOST = max(FIELD_BOOSTS.values())
CORRECTLY_SPELLED_FIELDS = ("slug", "title", "keywords", "text")
NAME_BOOST = 1.6  # weight of the additional field `name`: the slug, if it is a single word
TIE_BREAKER = 0.12  # weight of all scores but the best in `dis_max`
K1, B = 1.2, 0.75  # term frequency saturation and length normalisation of BM25

Document = Mapping[str, Sequence[str]]  # stems by field: those of FIELD_BOOSTS, and `name`


class BM25:
    """Term scores of all documents. Immutable, safe to share between threads."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._size = len(documents)
        fields = {name: Field([document[name] for document in documents]) for name in (*FIELD_BOOSTS, "name")}
        self._document_frequency = {
            stem: max(fields[name].document_frequency[stem] for name in FIELD_BOOSTS)
            for stem in set().union(*(fields[name].document_frequency for name in FIELD_BOOSTS))
        }
        self._correctly_spelled = frozenset().union(
            *(fields[name].document_frequency for name in CORRECTLY_SPELLED_FIELDS)
        )
        self._in_entries = self._correctly_spelled | fields["questions"].document_frequency.keys()
        row_counts = Counter(stem for document in cooperative(documents) for stem in set(chain(*document.values())))
        self._postings = Postings(row_counts, _scores(documents, fields))
        self.unknown_term_score = self.max_score("")

    def document_frequency(self, stem: str) -> int:
        """The number of documents with this stem, in the field where that number is highest."""
        return self._document_frequency.get(stem, 0)

    def is_correctly_spelled(self, stem: str) -> bool:
        """Whether the stem occurs outside the example questions, which contain typing errors like any question."""
        return stem in self._correctly_spelled

    def is_in_an_entry(self, stem: str) -> bool:
        """Whether the stem occurs in an entry itself, not only in paraphrases."""
        return stem in self._in_entries

    def max_score(self, stem: str) -> float:
        """The score of an entry about this stem: idf × highest boost. Highest for unknown stems."""
        return MAX_BOOST * _idf(self.document_frequency(stem), self._size)

    def scores(self, stems: Iterable[str]) -> Sequence[float]:
        """The summed scores of these stems, one for each document; empty when no document has any of them."""
        rows = list(chain.from_iterable(self._postings.get(stem) or () for stem in stems))
        if not rows:
            return ()
        scores = array("f", bytes(4 * self._size))
        for number, score in rows:
            scores[number] += score
        return scores


class Field:
    """Statistics of one field over all documents."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        self.document_frequency = Counter(stem for text in texts for stem in set(text))
        self._size = len(texts)
        self._average_length = sum(map(len, texts)) / (self._size or 1)

    def scores(self, text: Sequence[str]) -> Iterator[tuple[str, float]]:
        """Each stem of this text with its BM25 score, without boost."""
        length_norm = K1 * (1 - B + B * _quantised_length(len(text)) / (self._average_length or 1))
        for stem, count in Counter(text).items():
            yield stem, _idf(self.document_frequency[stem], self._size) * (1 + K1) * count / (count + length_norm)


def dis_max(scores: Collection[float]) -> float:
    """Disjunction maximum: the best score plus TIE_BREAKER times the others."""
    best = max(scores)
    return best + TIE_BREAKER * (sum(scores) - best)


def _scores(documents: Sequence[Document], fields: Mapping[str, Field]) -> Iterator[tuple[str, int, float]]:
    for number, document in enumerate(cooperative(documents)):
        field_scores: dict[str, list[float]] = defaultdict(list)
        for name, boost in FIELD_BOOSTS.items():
            for stem, score in fields[name].scores(document[name]):
                field_scores[stem].append(boost * score)
        name_scores = dict(fields["name"].scores(document["name"]))
        for stem, scores in field_scores.items():
            yield stem, number, dis_max(scores) + NAME_BOOST * name_scores.get(stem, 0.0)


def _idf(document_frequency: int, size: int) -> float:
    return math.log(1 + (size - document_frequency + 0.5) / (document_frequency + 0.5))


def _quantised_length(length: int) -> int:
    """The length with a four-bit mantissa, as Lucene stores it: exact below 40. The constants are tuned for it."""
    excess = max(length - 24, 0)
    dropped_bits = max(excess.bit_length() - 4, 0)
    return length - excess + (excess >> dropped_bits << dropped_bits)
