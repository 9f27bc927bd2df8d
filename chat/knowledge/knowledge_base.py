"""One state of the knowledge base: the entries of all languages and the search in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from itertools import chain
from typing import cast, get_args

from chat.core import local_day, phone_numbers
from chat.core.language import Language
from chat.core.question import Passage, normalise
from chat.knowledge.index import Index
from chat.models import KnowledgeEntry

# Below this score, the entry only shares words with the question.
LOOSE_FIT = 0.27
MAX_QUESTION_CHARACTERS = 4000  # two pages; the rest is ignored
# The score in the question before counts that much, in the one before that the square of it. Alone they are seldom a
# good fit: the new question must say something about the entry, too.
EARLIER_WEIGHT = 0.46
# A question of few or common words (`combien de temps j'ai`) says little without the one before it, which counts up to
# that much more. From LITTLE_CONTENT on (Index.content) it says enough.
LITTLE_CONTENT_WEIGHT = 0.15
LITTLE_CONTENT = 0.6
MAX_EARLIER = 2
# Slugs of the entries that most families need first; their questions start the list of openers.
OPENERS = ("aeeh", "dossier-mdph", "aesh", "repit-aidants")
# They would frighten somebody who has not spoken of that; the first is beside any other subject.
NEVER_SUGGESTED = frozenset({"cet-assistant", "deces-enfant", "enfant-ase", "maltraitance-etablissement"})
SAME_TOPIC = 1.3  # how much nearer an entry's text counts in its topic, when related entries are suggested
MAX_RELATED = 6
MAX_COMMON_WORDS = 25  # of a common question; longer ones hold personal details


class KnowledgeBase:
    """Immutable, safe to share between threads. Its entries are shared, too: do not modify or save them."""

    def __init__(self, entries: Iterable[KnowledgeEntry]) -> None:
        self.entries = sorted(entries, key=lambda entry: (entry.language, entry.slug))
        self._by_slug = {(entry.language, entry.slug): entry for entry in self.entries}
        self._passage_with = {key: _passage_factory(entry) for key, entry in self._by_slug.items()}
        self._normalised = {question: normalise(question) for entry in self.entries for question in entry.questions[:1]}
        self._questions = {normalise(question) for entry in self.entries for question in entry.questions}
        self._indexes: dict[Language, Index] = {
            language: Index(language, self.entries_in(language)) for language in get_args(Language)
        }
        self._related: dict[tuple[str, Language], list[KnowledgeEntry]] = {}  # a search for a whole text takes 10 ms

    def is_common(self, text: str, language: Language, passages: Sequence[Passage]) -> bool:
        """Whether the text is an entry's question, or one that `passages` answer, in words of the entries alone."""
        if normalise(text) in self._questions:
            return True
        is_short = len(text.split()) <= MAX_COMMON_WORDS
        return bool(passages) and is_short and self._indexes[language].knows_all_words(text)

    @cached_property
    def telephone_numbers(self) -> frozenset[str]:
        """The digits of the numbers in all texts, as they are dialled within France."""
        return frozenset().union(*(phone_numbers.numbers_in(entry.text) for entry in self.entries))

    def entries_in(self, language: Language) -> list[KnowledgeEntry]:
        return [entry for entry in self.entries if entry.language == language]

    def search(self, text: str, language: Language, limit: int = 3, earlier: Sequence[str] = ()) -> list[Passage]:
        """Matching passages, best first; French ones when nothing matches in the given language.

        Passages that only share words with the question are left out. `earlier` are the questions before it in its
        conversation, the latest last: a follow-up rarely names its topic. Scores of different questions are comparable.
        From GOOD_FIT on, the entry is about the question.
        """
        passages = self._passages(text, language, limit, earlier)
        if passages or language == "fr":
            return passages
        return self._passages(text, "fr", limit, earlier)

    def _passages(self, text: str, language: Language, limit: int, earlier: Sequence[str]) -> list[Passage]:
        hits = self._hits(text, language, limit) if not earlier else self._hits_in_context(text, language, earlier)
        today = local_day.today()
        return [
            self._passage_with[entry.language, entry.slug](score=score, is_outdated=entry.is_overdue(today))
            for entry, score in hits[:limit]
            if score >= LOOSE_FIT
        ]

    def _hits(
        self, text: str, language: Language, limit: int, *, is_follow_up: bool = False
    ) -> Sequence[tuple[KnowledgeEntry, float]]:
        return self._indexes[language].search(text[:MAX_QUESTION_CHARACTERS], limit, is_follow_up=is_follow_up)

    def _hits_in_context(
        self, text: str, language: Language, earlier: Sequence[str]
    ) -> Sequence[tuple[KnowledgeEntry, float]]:
        """Scores of the question plus those of the questions before it, which count less and less."""
        scores: dict[str, float] = defaultdict(float)
        weight_of_last = self._weight_of_last(text, language)
        for distance, question in enumerate((text, *reversed(earlier[-MAX_EARLIER:]))):
            weight = weight_of_last if distance == 1 else EARLIER_WEIGHT**distance
            for entry, score in self._hits(question, language, len(self.entries), is_follow_up=distance == 0):
                scores[entry.slug] += score * weight
        best = sorted(scores, key=scores.__getitem__, reverse=True)
        return [(self._by_slug[language, slug], scores[slug]) for slug in best]

    def _weight_of_last(self, text: str, language: Language) -> float:
        content = self._indexes[language].content(text[:MAX_QUESTION_CHARACTERS])
        if not content or content >= LITTLE_CONTENT:  # `merci` asks for nothing
            return EARLIER_WEIGHT
        return EARLIER_WEIGHT + LITTLE_CONTENT_WEIGHT * (1 - content / LITTLE_CONTENT)

    def article(self, slug: str, language: Language) -> KnowledgeEntry | None:
        """The entry with this slug, in French when there is no translation."""
        return self._by_slug.get((language, slug)) or self._by_slug.get(("fr", slug))

    def suggestions(
        self, passages: Sequence[Passage], language: Language, question: str, limit: int = 3
    ) -> tuple[str, ...]:
        """First questions of related entries: the other passages, then those with the texts nearest to the best one.

        Without the given question, and none without a passage.
        """
        if not passages:
            return ()
        related = self._related_to(passages[0].slug, language)
        return self._first_questions([*self._articles(passages[1:], language), *related], question)[:limit]

    def questions_of(self, passages: Sequence[Passage], language: Language, question: str) -> tuple[str, ...]:
        """The first question of each passage's entry, without the given question and those that are never suggested."""
        return self._first_questions(self._articles(passages, language), question)

    def _articles(self, passages: Sequence[Passage], language: Language) -> list[KnowledgeEntry]:
        return [entry for passage in passages if (entry := self.article(passage.slug, language))]

    def _first_questions(self, entries: Iterable[KnowledgeEntry], question: str) -> tuple[str, ...]:
        current = normalise(question)
        questions = (entry.questions[0] for entry in entries if entry.questions and entry.slug not in NEVER_SUGGESTED)
        return tuple(dict.fromkeys(each for each in questions if self._normalised[each] != current))

    def openers(self, language: Language, limit: int = 4) -> list[str]:
        """Example questions: of the entries in OPENERS, then of one entry of each topic."""
        first = (self.article(slug, language) for slug in OPENERS)
        by_topic = {entry.topic: entry for entry in reversed(self.entries_in(language))}
        entries = chain((entry for entry in first if entry), by_topic.values())
        return list(dict.fromkeys(entry.questions[0] for entry in entries if entry.questions))[:limit]

    def _related_to(self, slug: str, language: Language) -> list[KnowledgeEntry]:
        if (slug, language) not in self._related:
            self._related[slug, language] = self._find_related(slug, language)
        return self._related[slug, language]

    def _find_related(self, slug: str, language: Language) -> list[KnowledgeEntry]:
        """The entries with the nearest texts in its own language, best first."""
        entry = self.article(slug, language)
        if entry is None:
            return []
        found = self._hits(entry.text, cast("Language", entry.language), len(self.entries))
        nearness = {hit.slug: score * (SAME_TOPIC if hit.topic == entry.topic else 1) for hit, score in found}
        others = (hit for hit, _ in found if hit.slug != slug)
        return sorted(others, key=lambda hit: nearness[hit.slug], reverse=True)[:MAX_RELATED]


def _passage_factory(entry: KnowledgeEntry) -> Callable[..., Passage]:
    """Builds the entry's passage; the caller adds the `score`, and whether it `is_outdated` today."""
    return partial(
        Passage,
        slug=entry.slug,
        title=entry.title,
        text=entry.text,
        source_name=entry.source_name,
        source_url=entry.source_url,
        revision=entry.revision,
        as_of=entry.checked_on.isoformat(),
    )
