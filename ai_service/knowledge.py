"""A folder of Markdown entries with front matter, searched by the words they share with a question.

`{{name}}` in an entry stands for an amount of the folder's `amounts.toml`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import frontmatter

from ai_service.quoting import FUNCTION_WORDS, Language, Passage, words_of

MAX_RESULTS = 2
MIN_OVERLAP = 0.2


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its passage, and the questions that it answers."""

    passage: Passage
    questions: tuple[str, ...]

    def overlap(self, words: frozenset[str]) -> float:
        """The share of common words, from 0 to 1, with the most similar of the entry's questions and its title."""
        return max(
            len(words & own) / len(words | own) for own in map(_words, (self.passage.title, *self.questions)) if own
        )


class KnowledgeFolder:
    """The entries in `folder/fr` and `folder/en`."""

    def __init__(self, folder: Path) -> None:
        amounts = _amounts(folder / "amounts.toml")
        self._entries: dict[Language, list[Entry]] = {
            "fr": [_read(file, amounts) for file in sorted((folder / "fr").glob("*.md"))],
            "en": [_read(file, amounts) for file in sorted((folder / "en").glob("*.md"))],
        }

    def search(self, question: str, language: Language) -> list[Entry]:
        """The entries with the largest overlap, best first; empty when none shares enough words."""
        words = _words(question)
        scores = [(entry.overlap(words), entry) for entry in self._entries[language]]
        matching = [(score, entry) for score, entry in scores if score >= MIN_OVERLAP]
        matching.sort(key=lambda match: -match[0])  # equal scores stay in file order
        return [entry for _, entry in matching[:MAX_RESULTS]]


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in words_of(text) if len(word) > 1) - FUNCTION_WORDS


def _amounts(file: Path) -> dict[str, str]:
    """The text of each placeholder. A later row of the same name replaces an earlier one."""
    rows = tomllib.loads(file.read_text("utf-8"))["amount"] if file.exists() else []
    values = {f"{{{{{row['name']}}}}}": f"{row['value']} {row['unit']}" for row in rows}
    return values | {f"{{{{{row['name']}.since}}}}": str(row["valid_from"]) for row in rows}


def _read(file: Path, amounts: dict[str, str]) -> Entry:
    page: Any = frontmatter.load(str(file))
    text: str = page.content
    for placeholder, value in amounts.items():
        text = text.replace(placeholder, value)
    passage = Passage(str(page["title"]), str(page["source_url"]), text)
    return Entry(passage, tuple(map(str, page["questions"])))
