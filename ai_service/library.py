"""A folder of Markdown entries with front matter, searched with BM25."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import frontmatter

from ai_service.passages import Passage
from ai_service.words import Language, meaningful_stems, stems_of, weight_of

FOUND = 3  # entries that a question is answered from
KNOWN = 0.5  # an entry that knows no more than this share of a question's words is about something else
SATURATION, LENGTH = 1.2, 0.6  # BM25's k1 and b
OWN_QUESTION, OWN_NAME = 10.0, 3.0  # beside BM25: asked what the entry answers, or by the word its title begins with


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, the questions that it answers (as they are, and as stems), and how often it holds each stem."""

    passage: Passage
    questions: tuple[str, ...]
    asked: tuple[set[str], ...]
    stems: Counter[str]
    name: str


class Library:
    """The entries in `folder/fr` and `folder/en`."""

    def __init__(self, folder: Path) -> None:
        self._shelves: dict[Language, Shelf] = {"fr": Shelf(folder / "fr"), "en": Shelf(folder / "en")}

    def search(self, question: str, language: Language, earlier: Sequence[str] = ()) -> list[Entry]:
        """The entries that fit best, the best first; none when nothing here is about the question."""
        stems = stems_of(question)
        if len(stems) < 2 and earlier:  # it goes on about what was asked before
            stems |= stems_of(earlier[-1])
        return self._shelves[language].search(stems)


class Shelf:
    """The entries of one language."""

    def __init__(self, folder: Path) -> None:
        self._entries = [_entry(file) for file in sorted(folder.glob("*.md"))]
        self._held = Counter(stem for entry in self._entries for stem in entry.stems)
        self._usual_length = sum(entry.stems.total() for entry in self._entries) / (len(self._entries) or 1)

    def search(self, stems: set[str]) -> list[Entry]:
        fitting = [entry for entry in self._entries if self._knows(entry, stems)]
        fitting.sort(key=lambda entry: -self._score(entry, stems))  # equals stay in the order of their files
        return fitting[:FOUND]

    def _knows(self, entry: Entry, stems: set[str]) -> bool:
        known = sum(weight_of(stem) for stem in stems & entry.stems.keys())
        return known > KNOWN * sum(map(weight_of, stems))

    def _score(self, entry: Entry, stems: set[str]) -> float:
        same = max((len(stems & own) / len(stems | own) for own in entry.asked), default=0.0)
        return OWN_QUESTION * same + OWN_NAME * (entry.name in stems) + self._bm25(entry, stems)

    def _bm25(self, entry: Entry, stems: set[str]) -> float:
        damping = SATURATION * (1 - LENGTH + LENGTH * entry.stems.total() / self._usual_length)
        return sum(
            self._rarity(stem) * entry.stems[stem] * (SATURATION + 1) / (entry.stems[stem] + damping)
            for stem in stems & entry.stems.keys()
        )

    def _rarity(self, stem: str) -> float:
        return math.log(1 + (len(self._entries) - self._held[stem] + 0.5) / (self._held[stem] + 0.5))


def _entry(file: Path) -> Entry:
    page: Any = frontmatter.load(str(file))
    passage = Passage(str(page["title"]), str(page["source_url"]), page.content)
    questions = tuple(map(str, page["questions"]))
    keywords = " ".join(map(str, page["keywords"]))
    # A title says four times as much about an entry as its text does, a keyword twice.
    words = meaningful_stems(" ".join([passage.title] * 4 + [keywords] * 2 + [*questions, passage.text]))
    return Entry(passage, questions, tuple(map(stems_of, questions)), Counter(words), name=words[0])
