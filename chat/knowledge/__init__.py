"""The knowledge base: articles that ground the AI's answers and replace them when the AI is unavailable.

Other packages of chat use this module alone.

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

from chat.core.language import Language
from chat.core.question import Passage
from chat.knowledge import lexicon, paraphrase_classifier
from chat.knowledge.index import GOOD_FIT
from chat.knowledge.knowledge_base import KnowledgeBase
from chat.knowledge.reloader import KnowledgeReloader
from chat.models import KnowledgeEntry

__all__ = ["GOOD_FIT", "current", "due", "load_models", "refresh", "version"]

_reloader = KnowledgeReloader()
os.register_at_fork(after_in_child=_reloader.forget_watcher)


def current() -> KnowledgeBase:
    """The knowledge base of now, loaded at the first call. It follows the database: do not keep it."""
    return _reloader.current()


def refresh() -> None:
    """Reload from the database now, in this process. Raises django.db.Error when the database is unavailable."""
    _reloader.refresh()


def load_models() -> None:
    """Load what does not depend on the entries, to be shared by the processes that are forked afterwards."""
    for language in get_args(Language):
        lexicon.for_language(language)
        paraphrase_classifier.for_language(language)


def due(day: dt.date) -> list[KnowledgeEntry]:
    """The entries whose facts count as out of date on this day, the longest overdue first."""
    return sorted((entry for entry in current().entries if entry.is_overdue(day)), key=lambda entry: entry.due_on)


def version(passages: Sequence[Passage]) -> str:
    """A digest (16 hex digits) of the passages' revisions, independent of their order. It is part of cache keys.

    It changes when a passage becomes out of date, so that cached answers without that warning are not served.
    """
    revisions = sorted(f"{passage.revision}{'!' if passage.is_outdated else ''}" for passage in passages)
    return hashlib.sha256("\0".join(revisions).encode()).hexdigest()[:16]
