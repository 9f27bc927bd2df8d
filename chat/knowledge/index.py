"""Search in one language's entries: in memory, built once, never changed.

Every word of a question has a worth: what it would earn if an entry were about it (its rarity times the strongest
field). The score of an entry is what it earned, out of what the whole question was worth plus `EVIDENCE`, so scores of
different questions compare: from 0 to about 1. Unknown words are worth the most and earn nothing, which keeps down
questions about something else; `EVIDENCE` keeps down the short ones that a single common word decides. To that comes
`LIKENESS` times how alike question and entry look, letter by letter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

import tantivy
from tantivy import Filter, Occur, Query

from chat.knowledge import wording
from chat.knowledge.breathing import breathing
from chat.knowledge.shapes import Shapes
from chat.knowledge.spelling import Spelling
from chat.models import KnowledgeEntry
from chat.questions import Language

# Measured with `manage.py evaluate_knowledge` on the dev half; see there before changing any of them.
BOOSTS = {"slug": 2.0, "title": 2.0, "keywords": 2.0, "questions": 1.6, "text": 1.2}
TOP = max(BOOSTS.values())
WELL_TYPED = ("slug", "title", "keywords", "text")
ELIDED = "cdjlmnst"  # what French puts before an apostrophe
NAMED = 1.2  # for an entry that is called by its one-word name, beyond all that its other words earn
ELSEWHERE = 0.15  # what a word earns in its other fields, and the weaker of two ways to say the same
MEANT = 0.8  # a word that the person meant, against one that was said
LIKENESS = 0.5
EVIDENCE = 2  # unknown words' worth
ENOUGH = 9  # unknown words' worth: a whole page of a message needs no more evidence than two good sentences
MOST_PARTS = 60  # of a long message, that are looked for
STEMMERS = {"fr": "french", "en": "english"}

Stems = tuple[str, ...]


class Found(NamedTuple):
    """An entry that has words of the question in it."""

    entry: KnowledgeEntry
    score: float


class Clue(NamedTuple):
    """A part of the question: where it earns, and what it is worth."""

    query: Query | None
    worth: float


class Index:
    """The entries of one language. Safe to share between threads."""

    def __init__(self, language: Language, entries: Sequence[KnowledgeEntry]) -> None:
        self.entries = tuple(entries)
        self._wording = wording.of(language)
        self._stems = _analyzer(language, stop_words=[]).analyze
        self._schema = _schema()
        documents = [self._written(entry) for entry in breathing(self.entries)]
        self._searcher = self._build(documents, _analyzer(language, list(self._wording.stop_words)))
        self._shapes = Shapes([" ".join(texts.values()) for texts in documents], self._wording.stop_words)
        words = {word for texts in documents for text in texts.values() for word in text.split()}
        self._spelling = Spelling(self._wording.vocabulary | words)
        self._meanings = dict(self._known_meanings())
        self._longest = max(map(len, self._meanings), default=1)
        # Words come again and again, whoever asks: looking one up in every field costs as much as the search itself.
        self._clue = lru_cache(maxsize=4096)(self._make_clue)
        self._well_typed = lru_cache(maxsize=4096)(self._choose_spelling)
        self.search = lru_cache(maxsize=512)(self._search)

    def _written(self, entry: KnowledgeEntry) -> dict[str, str]:
        """What each searched field holds."""
        texts = {
            "slug": entry.slug,
            "title": entry.title,
            "keywords": " ".join(entry.keywords),
            "questions": " ".join(entry.questions),
            "text": entry.text,
            "name": "" if "-" in entry.slug else entry.slug,
        }
        return {field: self._wording.written(text) for field, text in texts.items()}

    def _build(self, documents: list[dict[str, str]], analyzer: tantivy.TextAnalyzer) -> tantivy.Searcher:
        index = tantivy.Index(self._schema)
        index.register_tokenizer("stems", analyzer)
        writer = index.writer(heap_size=15_000_000, num_threads=1)
        for number, texts in enumerate(breathing(documents)):
            writer.add_document(tantivy.Document(number=number, **texts))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        return index.searcher()

    def _known_meanings(self) -> Iterator[tuple[Stems, Stems]]:
        for said, meant in breathing(self._wording.meanings):
            if known := tuple(stem for stem in self._stems(meant) if self._entries_with(stem)):
                yield tuple(self._stems(said)), known

    def _search(self, question: str, limit: int) -> tuple[Found, ...]:
        """The best entries that have anything of the question, best first, with their scores."""
        spelt_out = self._wording.spelt_out(question)
        likeness = self._shapes.likeness(self._wording.written(spelt_out))
        scores = {
            number: score + LIKENESS * likeness.get(number, 0) for number, score in self._by_words(spelt_out).items()
        }
        best = sorted(scores.items(), key=itemgetter(1), reverse=True)[:limit]
        return tuple(Found(self.entries[number], score) for number, score in best)

    def _by_words(self, question: str) -> dict[int, float]:
        """What each entry's words earn, by its number, once the question is spelt out."""
        clues = [self._clue(said, meant) for said, meant in islice(self._parts(question), MOST_PARTS)]
        queries = [(Occur.Should, clue.query) for clue in clues if clue.query]
        if not queries:
            return {}
        hits = self._searcher.search(Query.boolean_query(queries), len(self.entries), count=False).hits
        numbers = self._searcher.fast_field_values("number", [address for _, address in hits])
        asked = min(sum(clue.worth for clue in clues), ENOUGH * self._worth(0))
        possible = EVIDENCE * self._worth(0) + asked
        return {int(number or 0): score / possible for (score, _), number in zip(hits, numbers, strict=True)}

    def _parts(self, question: str) -> dict[tuple[Stems, Stems], None]:
        """The question's stems in runs, each with the stems that are meant by it; every run once, in order."""
        text = self._wording.written(self._corrected(question))
        words, stems = text.split(), self._stems(text)
        parts: dict[tuple[Stems, Stems], None] = {}
        start = 0
        while start < len(stems):
            for end in range(min(start + self._longest, len(stems)), start, -1):
                if (run := tuple(stems[start:end])) in self._meanings:
                    break
            telling = zip(words[start:end], run, strict=True)
            said = tuple(stem for word, stem in telling if word not in self._wording.stop_words)
            meant = tuple(stem for stem in self._meanings.get(run, ()) if stem not in stems)
            if said or meant:
                parts[said, meant] = None
            start = end
        return parts

    def _corrected(self, text: str) -> str:
        """The text with forgotten apostrophes put in, and words that nobody here knows taken for what they resemble."""
        return " ".join(map(self._well_typed, text.split(), self._stems(text)))

    def _choose_spelling(self, word: str, stem: str) -> str:
        if word in self._wording.vocabulary or self._entries_with(stem, WELL_TYPED):
            return word
        # Parents' questions in our entries are typed like all others: `laesh` may stand there too.
        if word[0] in ELIDED and self._entries_with_word(word[1:], WELL_TYPED):
            return word[1:]
        if self._entries_with(stem):
            return word
        return max(sorted(self._spelling.near(word)), key=self._entries_with_word, default=word)

    def _make_clue(self, said: Stems, meant: Stems) -> Clue:
        clue = _all_of(map(self._word, said))
        if not meant:
            return clue
        other = _all_of(map(self._word, meant))
        assert other.query
        queries = [Query.boost_query(other.query, MEANT)] + ([clue.query] if clue.query else [])
        known = any(self._entries_with(stem) for stem in said)
        worth = max(clue.worth if known else 0.0, other.worth * MEANT)
        return Clue(Query.disjunction_max_query(queries, ELSEWHERE), worth)

    def _word(self, stem: str) -> Clue:
        count = self._entries_with(stem)
        return Clue(self._in_best_field(stem) if count else None, self._worth(count))

    def _worth(self, count: int) -> float:
        """What a word is worth that stands in so many entries: BM25's rarity, in the strongest field."""
        return TOP * math.log(1 + (len(self.entries) - count + 0.5) / (count + 0.5))

    def _in_best_field(self, stem: str) -> Query:
        queries = [
            Query.boost_query(Query.term_query(self._schema, field, stem, "freq"), boost)
            for field, boost in BOOSTS.items()
        ]
        best = Query.disjunction_max_query(queries, ELSEWHERE)
        name = Query.boost_query(Query.term_query(self._schema, "name", stem, "freq"), NAMED)
        return Query.boolean_query([(Occur.Should, best), (Occur.Should, name)])

    def _entries_with_word(self, word: str, fields: Iterable[str] = BOOSTS) -> int:
        return max((self._entries_with(stem, fields) for stem in self._stems(word)), default=0)

    def _entries_with(self, stem: str, fields: Iterable[str] = BOOSTS) -> int:
        return max(self._searcher.doc_freq(field, stem) for field in fields)


def _analyzer(language: Language, stop_words: list[str]) -> tantivy.TextAnalyzer:
    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    return words.filter(Filter.custom_stopword(stop_words)).filter(Filter.stemmer(STEMMERS[language])).build()


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    for field in (*BOOSTS, "name"):
        builder.add_text_field(field, tokenizer_name="stems", index_option="freq")
    builder.add_integer_field("number", fast=True)
    return builder.build()


def _all_of(clues: Iterable[Clue]) -> Clue:
    clues = list(clues)
    queries = [(Occur.Should, clue.query) for clue in clues if clue.query]
    return Clue(Query.boolean_query(queries) if queries else None, sum(clue.worth for clue in clues))
