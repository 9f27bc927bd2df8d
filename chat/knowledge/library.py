"""One state of the knowledge base: its entries, and what is found in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import get_args

from chat.knowledge.index import Index
from chat.models import KnowledgeEntry
from chat.questions import Language, Passage, normalise

# Above it, the entry really is about the question; below the second, it only shares words with it. On the questions
# and the off-topic ones of tests/chat/evaluation; `manage.py evaluate_knowledge` says what they cost.
GOOD_FIT = 0.48
LOOSE_FIT = 0.23
LONGEST_QUESTION = 4000  # characters that are looked at: two pages
# What most families ask first, for a page that waits for its first question.
OPENERS = ("aeeh", "dossier-mdph", "aesh", "repit-aidants")


class Library:
    """Never changes once built; safe to share between threads."""

    def __init__(self, entries: Iterable[KnowledgeEntry]) -> None:
        self.entries = sorted(entries, key=lambda entry: (entry.language, entry.slug))
        self._by_slug = {(entry.language, entry.slug): entry for entry in self.entries}
        self._passage_of = {key: _passage(entry) for key, entry in self._by_slug.items()}
        self._normalised = {question: normalise(question) for entry in self.entries for question in entry.questions[:1]}
        self._topics: dict[tuple[str, str], list[KnowledgeEntry]] = defaultdict(list)
        self._place: dict[tuple[str, str], int] = {}
        for entry in self.entries:
            topic = self._topics[entry.language, entry.topic]
            self._place[entry.language, entry.slug] = len(topic)
            topic.append(entry)
        self._indexes: dict[Language, Index] = {
            language: Index(language, self.of(language)) for language in get_args(Language)
        }

    def of(self, language: Language) -> list[KnowledgeEntry]:
        return [entry for entry in self.entries if entry.language == language]

    def search(self, text: str, language: Language, limit: int) -> list[Passage]:
        """Passages that fit, best first; French ones when there are none in the person's language."""
        return self._passages(text, language, limit) or (self._passages(text, "fr", limit) if language != "fr" else [])

    def _passages(self, text: str, language: Language, limit: int) -> list[Passage]:
        found = self._indexes[language].search(text[:LONGEST_QUESTION], limit)
        return [
            self._passage_of[entry.language, entry.slug](score=score) for entry, score in found if score >= LOOSE_FIT
        ]

    def article(self, slug: str, language: Language) -> KnowledgeEntry | None:
        """The entry, in French when it isn't written in that language."""
        return self._by_slug.get((language, slug)) or self._by_slug.get(("fr", slug))

    def suggestions(self, passages: Sequence[Passage], language: Language, asked: str, limit: int) -> tuple[str, ...]:
        """First questions of the entries around the best passage: the other passages, then its topic's."""
        if not passages:
            return tuple(self.openers(language, limit))
        best = self.article(passages[0].slug, language)
        near = chain((self.article(passage.slug, language) for passage in passages[1:]), self._same_topic(best))
        asked = normalise(asked)
        questions = (entry.questions[0] for entry in near if entry and entry.questions)
        return tuple(dict.fromkeys(each for each in questions if self._normalised[each] != asked))[:limit]

    def openers(self, language: Language, limit: int) -> list[str]:
        """First questions to begin with: the usual ones, then one of each topic."""
        usual = (self.article(slug, language) for slug in OPENERS)
        topics = {entry.topic: entry for entry in reversed(self.of(language))}
        entries = chain((entry for entry in usual if entry), topics.values())
        return list(dict.fromkeys(entry.questions[0] for entry in entries if entry.questions))[:limit]

    def _same_topic(self, entry: KnowledgeEntry | None) -> list[KnowledgeEntry]:
        """The others of its topic, from the next one on: not always the first of the alphabet."""
        if entry is None:
            return []
        topic = self._topics[entry.language, entry.topic]
        place = self._place[entry.language, entry.slug]
        return topic[place + 1 :] + topic[:place]


def _passage(entry: KnowledgeEntry) -> Callable[..., Passage]:
    """The entry as a passage, but for the `score` of a question."""
    return partial(
        Passage,
        slug=entry.slug,
        title=entry.title,
        text=entry.text,
        source_name=entry.source_name,
        source_url=entry.source_url,
        revision=entry.revision,
    )
