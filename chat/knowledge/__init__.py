"""The knowledge base: articles that ground the AI's answers and replace them when the AI is unavailable.

This module is the facade; other packages of chat search through it alone.

| module | content |
| --- | --- |
| `files` | reads and validates the bundled Markdown entries |
| `amounts` | the amounts that entries use by name |
| `lexicon` | abbreviations, spelling variants and synonyms of one language |
| `index` | searches the entries of one language: `bm25`, `char_ngrams` and `spelling` on `postings` |
| `paraphrase_classifier` | which entry a question asks for, learned from paraphrases |
| `knowledge_base` | one immutable state: entries of all languages and their indexes |
| `reloader` | keeps the state in step with the database |
| `evaluation` | measures recall and abstention |
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Sequence
from typing import get_args

from chat.core.question import Language, Passage
from chat.knowledge import lexicon, paraphrase_classifier
from chat.knowledge.knowledge_base import GOOD_FIT
from chat.knowledge.reloader import KnowledgeReloader
from chat.models import KnowledgeEntry

__all__ = [
    "GOOD_FIT",
    "article",
    "due",
    "entries",
    "is_common",
    "load",
    "load_models",
    "openers",
    "questions_of",
    "refresh",
    "search",
    "suggestions",
    "telephone_numbers",
    "version",
]

_knowledge_base = KnowledgeReloader()
os.register_at_fork(after_in_child=_knowledge_base.forget_watcher)


def search(text: str, language: Language, limit: int = 3, earlier: Sequence[str] = ()) -> list[Passage]:
    """Matching passages, best first; passages that only share words with the question are left out.

    `earlier` are the questions before it in its conversation, the latest last: a follow-up rarely names its topic.
    Scores of different questions are comparable. From `GOOD_FIT` on, the entry is about the question.
    """
    return _knowledge_base().search(text, language, limit, earlier)


def is_common(text: str, language: Language, passages: Sequence[Passage]) -> bool:
    """Whether the text is a common question: an entry's own, or one that `passages` answer, in words of the entries."""
    return _knowledge_base().is_common(text, language, passages)


def version(passages: Sequence[Passage]) -> str:
    """A digest (16 hex digits) of the passages' revisions, independent of their order. It is part of cache keys.

    It changes when a passage becomes out of date, so that cached answers without that warning are not served.
    """
    revisions = sorted(f"{passage.revision}{'!' if passage.is_outdated else ''}" for passage in passages)
    return hashlib.sha256("\0".join(revisions).encode()).hexdigest()[:16]


def article(slug: str, language: Language) -> KnowledgeEntry | None:
    """The entry with this slug, in French when there is no translation. It is shared: do not modify or save it."""
    return _knowledge_base().article(slug, language)


def suggestions(passages: Sequence[Passage], language: Language, question: str, limit: int = 3) -> tuple[str, ...]:
    """Follow-up questions from related entries, without the given question."""
    return _knowledge_base().suggestions(passages, language, question, limit)


def questions_of(passages: Sequence[Passage], language: Language, question: str) -> tuple[str, ...]:
    """The first question of each passage's entry, without the given question and those that are never suggested."""
    return _knowledge_base().questions_of(passages, language, question)


def openers(language: Language, limit: int = 4) -> list[str]:
    """Example questions for the start of a conversation."""
    return _knowledge_base().openers(language, limit)


def entries() -> list[KnowledgeEntry]:
    """All current entries, in all languages. They are shared: do not modify or save them."""
    return list(_knowledge_base().entries)


def telephone_numbers() -> frozenset[str]:
    """The digits of the numbers in all entries, as they are dialled within France."""
    return _knowledge_base().telephone_numbers


def due(day: dt.date) -> list[KnowledgeEntry]:
    """The entries whose facts count as out of date on this day, the longest overdue first."""
    return sorted((entry for entry in entries() if entry.is_overdue(day)), key=lambda entry: entry.due_on)


def load_models() -> None:
    """Load what does not depend on the entries, to be shared by the processes that are forked afterwards."""
    for language in get_args(Language):
        lexicon.for_language(language)
        paraphrase_classifier.for_language(language)


def load() -> None:
    """Load the knowledge base now, so that the first search does not wait for it."""
    _knowledge_base()


def refresh() -> None:
    """Reload from the database now, in this process. Raises django.db.Error when the database is unavailable."""
    _knowledge_base.refresh()
