"""What each word earns in each entry, by its stem: BM25 in every field, of which the best counts in full.

It is worked out once, so that a search has only to add up. A search engine works it out anew for every question, and
Tantivy, whose scores these are to rounding, took 15 MB for a few dozen articles and 9 more each time one changed.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from chat.knowledge.breathing import breathing
from chat.knowledge.postings import Postings

# Measured with `manage.py evaluate_knowledge` on the dev half; see there before changing any of them.
BOOSTS = {"slug": 2.0, "title": 2.0, "keywords": 2.0, "questions": 1.6, "text": 1.2}
TOP = max(BOOSTS.values())
WELL_TYPED = ("slug", "title", "keywords", "text")
NAMED = 1.2  # for an entry that is called by its one-word name, beyond all that its other words earn
ELSEWHERE = 0.15  # what a word earns in its other fields, and the weaker of two ways to say the same
SATURATION, LENGTHINESS = 1.2, 0.75  # BM25's k1 and b

Document = Mapping[str, Sequence[str]]  # the stems in each of BOOSTS' fields, and in `name`


class Terms:
    """The words of the entries. Never changes once built; safe to share between threads."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._size = len(documents)
        fields = {name: Field([document[name] for document in documents]) for name in (*BOOSTS, "name")}
        self._spread = {
            stem: max(fields[name].spread[stem] for name in BOOSTS)
            for stem in set().union(*(fields[name].spread for name in BOOSTS))
        }
        self._well_typed = frozenset().union(*(fields[name].spread for name in WELL_TYPED))
        anywhere = Counter(stem for document in breathing(documents) for stem in set(chain(*document.values())))
        self._earned = Postings(anywhere, _earnings(documents, fields))
        self.unknown = self.worth("")

    def spread(self, stem: str) -> int:
        """In how many entries it is, in the field that has it most often."""
        return self._spread.get(stem, 0)

    def is_well_typed(self, stem: str) -> bool:
        """Whether it is anywhere but in parents' questions: those are typed like all others."""
        return stem in self._well_typed

    def worth(self, stem: str) -> float:
        """What it would earn if an entry were about it: its rarity, in the strongest field."""
        return TOP * _rarity(self.spread(stem), self._size)

    def earned(self, stems: Iterable[str]) -> Sequence[float]:
        """What they earn together in each of the entries; empty when none has any of them."""
        rows = list(chain.from_iterable(self._earned.of(stem) or () for stem in stems))
        if not rows:
            return ()
        earned = array("f", bytes(4 * self._size))
        for number, earns in rows:
            earned[number] += earns
        return earned


class Field:
    """One field of all entries."""

    def __init__(self, texts: Sequence[Sequence[str]]) -> None:
        self.spread = Counter(stem for text in texts for stem in set(text))  # how many entries have each stem in it
        self._size = len(texts)
        self._average = sum(map(len, texts)) / (self._size or 1)

    def earnings(self, text: Sequence[str]) -> Iterator[tuple[str, float]]:
        """What every stem of this text earns in it, by BM25."""
        length = SATURATION * (1 - LENGTHINESS + LENGTHINESS * _rounded(len(text)) / (self._average or 1))
        for stem, count in Counter(text).items():
            yield stem, _rarity(self.spread[stem], self._size) * (1 + SATURATION) * count / (count + length)


def best_of(ways: Collection[float]) -> float:
    """What somebody earns who may earn it in several ways: the best, and a little of the others."""
    best = max(ways)
    return best + ELSEWHERE * (sum(ways) - best)


def _earnings(documents: Sequence[Document], fields: Mapping[str, Field]) -> Iterator[tuple[str, int, float]]:
    for number, document in enumerate(breathing(documents)):
        ways: dict[str, list[float]] = defaultdict(list)
        for name, boost in BOOSTS.items():
            for stem, earns in fields[name].earnings(document[name]):
                ways[stem].append(boost * earns)
        named = dict(fields["name"].earnings(document["name"]))
        for stem, each in ways.items():
            yield stem, number, best_of(each) + NAMED * named.get(stem, 0.0)


def _rarity(count: int, size: int) -> float:
    return math.log(1 + (size - count + 0.5) / (count + 0.5))


def _rounded(length: int) -> int:
    """A field's length to four binary digits from 40 words on, as Lucene has it: all was measured that way."""
    beyond = max(length - 24, 0)
    lost = max(beyond.bit_length() - 4, 0)
    return length - beyond + (beyond >> lost << lost)
