"""Search in one language's entries: in memory, built once, never changed.

Every word of a question has a worth: what it would earn if an entry were about it (its rarity times the strongest
field). The score of an entry is what it earned, out of what the whole question was worth plus `EVIDENCE`, so scores of
different questions compare: from 0 to about 1. Unknown words are worth the most and earn nothing, which keeps down
questions about something else; `EVIDENCE` keeps down the short ones that a single common word decides. To that comes
`LIKENESS` times how alike question and entry look, letter by letter.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

from chat.knowledge import wording
from chat.knowledge.breathing import breathing
from chat.knowledge.phrases import Phrases, Words
from chat.knowledge.shapes import Shapes
from chat.knowledge.spelling import Spelling
from chat.knowledge.terms import Document, Terms, best_of
from chat.models import KnowledgeEntry
from chat.questions import Language

# Measured with `manage.py evaluate_knowledge` on the dev half; see there before changing any of them.
ELIDED = "cdjlmnst"  # what French puts before an apostrophe
MEANT = 0.8  # a word that the person meant, against one that was said
LIKENESS = 0.5
EVIDENCE = 2  # unknown words' worth
ENOUGH = 9  # unknown words' worth: a whole page of a message needs no more evidence than two good sentences
MOST_PARTS = 60  # of a long message, that are looked for
STEMMERS = {"fr": "french", "en": "english"}


class Found(NamedTuple):
    """An entry that has words of the question in it."""

    entry: KnowledgeEntry
    score: float


class Clue(NamedTuple):
    """A part of the question: what it earns in each entry (empty when none has it), and what it is worth."""

    earned: Sequence[float]
    worth: float


class Index:
    """The entries of one language. Safe to share between threads."""

    def __init__(self, language: Language, entries: Sequence[KnowledgeEntry]) -> None:
        self.entries = tuple(entries)
        self._wording = wording.of(language)
        # Words come again and again, whoever asks: to know them from before is most of the speed of a search.
        self._stem = lru_cache(maxsize=4096)(_stemmer(language))
        self._clue = lru_cache(maxsize=2048)(self._make_clue)
        self._well_typed = lru_cache(maxsize=4096)(self._choose_spelling)
        self.search = lru_cache(maxsize=512)(self._search)
        documents = [self._written(entry) for entry in breathing(self.entries)]
        self._terms = Terms([self._stemmed(texts) for texts in breathing(documents)])
        self._shapes = Shapes([" ".join(texts.values()) for texts in documents], self._wording.stop_words)
        words = {word for texts in documents for text in texts.values() for word in text.split()}
        self._spelling = Spelling(self._wording.vocabulary | words)
        self._meanings = dict(self._known_meanings())
        self._phrases = Phrases(self._meanings)

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

    def _stemmed(self, texts: dict[str, str]) -> Document:
        stop_words = self._wording.stop_words
        return {
            field: [self._stem(word) for word in text.split() if word not in stop_words]
            for field, text in texts.items()
        }

    def _known_meanings(self) -> Iterator[tuple[Words, Words]]:
        for said, meant in breathing(self._wording.meanings):
            if known := tuple(stem for stem in self._stems(meant) if self._terms.spread(stem)):
                yield self._stems(said), known

    def _search(self, question: str, limit: int) -> tuple[Found, ...]:
        """The best entries that have anything of the question, best first, with their scores."""
        spelt_out = self._wording.spelt_out(question)
        by_words = self._by_words(spelt_out)
        if not by_words:
            return ()
        likeness = self._shapes.likeness(self._wording.unified(spelt_out).split())
        scores = [score and score + LIKENESS * alike for score, alike in zip(by_words, likeness, strict=True)]
        best = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[:limit]
        return tuple(Found(self.entries[number], scores[number]) for number in best if scores[number])

    def _by_words(self, question: str) -> list[float]:
        """What each entry's words earn, once the question is spelt out; empty when no word is known."""
        clues = [self._clue(said, meant) for said, meant in islice(self._parts(question), MOST_PARTS)]
        asked = min(sum(clue.worth for clue in clues), ENOUGH * self._terms.unknown)
        possible = EVIDENCE * self._terms.unknown + asked
        earned = [clue.earned for clue in clues if clue.earned]
        return [sum(each) / possible for each in zip(*earned, strict=True)]

    def _parts(self, question: str) -> dict[tuple[Words, Words], None]:
        """The question's stems in runs, each with the stems that are meant by it; every run once, in order."""
        text = self._wording.unified(self._corrected(question))
        words, stems = text.split(), self._stems(text)
        parts: dict[tuple[Words, Words], None] = {}
        for place in self._phrases.cut(stems):
            run = stems[place]
            telling = zip(words[place], run, strict=True)
            said = tuple(stem for word, stem in telling if word not in self._wording.stop_words)
            meant = tuple(stem for stem in self._meanings.get(run, ()) if stem not in stems)
            if said or meant:
                parts[said, meant] = None
        return parts

    def _corrected(self, text: str) -> str:
        """The text with forgotten apostrophes put in, and words that nobody here knows taken for what they resemble."""
        return " ".join(map(self._well_typed, text.split()))

    def _choose_spelling(self, word: str) -> str:
        if word in self._wording.vocabulary or self._terms.is_well_typed(self._stem(word)):
            return word
        # Parents' questions in our entries are typed like all others: `laesh` may stand there too.
        if word[0] in ELIDED and word[1:] and self._terms.is_well_typed(self._stem(word[1:])):
            return word[1:]
        if self._spread(word):
            return word
        return max(sorted(self._spelling.near(word)), key=self._spread, default=word)

    def _make_clue(self, said: Words, meant: Words) -> Clue:
        clue = self._all_of(said)
        if not meant:
            return clue
        other = self._all_of(meant)
        ways = [ways for ways in (clue.earned, [MEANT * each for each in other.earned]) if ways]
        worth = max(clue.worth if clue.earned else 0.0, other.worth * MEANT)
        return Clue(array("f", map(best_of, zip(*ways, strict=True))), worth)

    def _all_of(self, stems: Words) -> Clue:
        return Clue(self._terms.earned(stems), sum(self._terms.worth(stem) for stem in stems))

    def _spread(self, word: str) -> int:
        return self._terms.spread(self._stem(word))

    def _stems(self, text: str) -> Words:
        return tuple(map(self._stem, text.split()))


def _stemmer(language: Language) -> Callable[[str], str]:
    words = TextAnalyzerBuilder(Tokenizer.raw()).filter(Filter.stemmer(STEMMERS[language])).build()
    return lambda word: words.analyze(word)[0]
