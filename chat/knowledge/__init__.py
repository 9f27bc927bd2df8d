"""The knowledge base: articles that ground the AI's answers and stand in for it when it can't be asked.

`files` reads the bundled Markdown, `wording` knows how parents write, `index` searches one language by its `terms`,
`shapes` and `spelling`, `library` is one state of it all, `live` keeps the state of the database in force, `evaluation`
measures how well it finds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from chat.knowledge.library import GOOD_FIT
from chat.knowledge.live import LiveLibrary
from chat.models import KnowledgeEntry
from chat.questions import Language, Passage

__all__ = ["GOOD_FIT", "article", "entries", "openers", "refresh", "search", "suggestions", "version"]

_library = LiveLibrary()


def search(text: str, language: Language, limit: int = 3) -> list[Passage]:
    """The passages that fit, best first; none when nothing fits even loosely.

    Scores compare between questions: from `GOOD_FIT` on, the entry really is about what was asked.
    """
    return _library().search(text, language, limit)


def version(passages: Sequence[Passage]) -> str:
    """Names what an answer rests on: it changes when one of these passages does, or when others are found."""
    return hashlib.sha256("\0".join(sorted(passage.revision for passage in passages)).encode()).hexdigest()[:16]


def article(slug: str, language: Language) -> KnowledgeEntry | None:
    """The entry of that name, in French when it isn't written in that language. Not to be changed or saved."""
    return _library().article(slug, language)


def suggestions(passages: Sequence[Passage], language: Language, asked: str, limit: int = 3) -> tuple[str, ...]:
    """What the person may want to ask next: questions of neighbouring entries, never the one asked."""
    return _library().suggestions(passages, language, asked, limit)


def openers(language: Language, limit: int = 4) -> list[str]:
    """Questions to show before the first one was asked."""
    return _library().openers(language, limit)


def entries() -> list[KnowledgeEntry]:
    """Every entry in force, in every language. Not to be changed or saved."""
    return list(_library().entries)


def refresh() -> None:
    """Take up a change of the database at once, in this process. Raises django.db.Error when it can't be asked."""
    _library.refresh()
