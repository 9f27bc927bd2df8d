"""Full-text search in the entries of one language: in memory, immutable.

Score = matched BM25 / (best possible BM25 + EVIDENCE) + SIMILARITY_WEIGHT × character n-gram similarity
+ CLASSIFIER_WEIGHT × fit by the classifier - NO_ENTRY_WEIGHT × fit of no entry.

- *Best possible BM25* is the score of an entry about every term of the question. So scores of different questions are
  comparable: they lie between 0 and about 1. Unknown terms have the highest possible score and match nothing, which
  keeps scores low for off-topic questions.
- EVIDENCE keeps scores low for short questions that match by a single common word.
- The n-gram similarity adds what BM25 misses: misspelled, inflected and compound words.
- The classifier adds which words tell an entry from its neighbours, and subtracts which words tell of a question that
  no entry answers (`paraphrase_classifier`).
"""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple

from tantivy import Filter, TextAnalyzerBuilder, Tokenizer

from chat.core.language import Language
from chat.knowledge import lexicon, paraphrase_classifier
from chat.knowledge.bm25 import BM25, Document, dis_max
from chat.knowledge.char_ngrams import CharNgrams
from chat.knowledge.cooperative import cooperative
from chat.knowledge.phrases import Phrases, Words
from chat.knowledge.spelling import Spelling
from chat.models import KnowledgeEntry

# Tuned with `manage.py evaluate_knowledge` on its tuning sets. Measure again before changing any of them.
SYNONYM_WEIGHT = 0.8  # a match of a synonym, relative to a match of the term in the question
SIMILARITY_WEIGHT = 0.6
CLASSIFIER_WEIGHT = 0.25
NO_ENTRY_WEIGHT = 0.25
# An entry that the classifier has not learned, such as an operator's, fits as well as its words match: by the score
# from which on a learned one usually has the fit 1. Nothing is subtracted from it.
FITTING_SCORE = 0.5
# From this score on, the entry is about the question.
# `manage.py evaluate_knowledge` measures it against the questions and off-topic questions of evaluation_sets/.
GOOD_FIT = 0.72
MAX_CLASSIFIED_WORDS = 90  # the shortest text of an entry has more
# Both are multiples of the score of an unknown term.
EVIDENCE = 2.5
MAX_POSSIBLE = 9  # cap of the best possible BM25: a page of text needs no more matches than two good sentences
# Unknown terms that are added to an off-topic question.
OFF_TOPIC_TERMS = 8
MIN_PARAPHRASED = 5  # rarer words of an entry's paraphrases would add half to the n-grams, and no recall
MAX_QUERY_PARTS = 60  # of a long message; the rest is ignored
ELIDED_LETTERS = "cdjlmnst"  # French elisions before an apostrophe: c', d', j', l' …
STEMMERS = {"fr": "french", "en": "english"}
NAME = re.compile(r"(?<=[^\W\d][ ,])[A-ZÀ-Ý][a-zà-ÿ]{2,}")  # a capital within a sentence
MAX_NUMBER_LENGTH = 3  # of a number in a common question: an age, a percentage; not a year of birth


class SearchHit(NamedTuple):
    """An entry that matches a question."""

    entry: KnowledgeEntry
    score: float


class QueryPart(NamedTuple):
    """A phrase of the question: its score in each entry (empty when no entry has it), and the best possible score."""

    scores: Sequence[float]
    max_score: float


class Index:
    """The entries of one language. Safe to share between threads."""

    def __init__(self, language: Language, entries: Sequence[KnowledgeEntry]) -> None:
        self.entries = tuple(entries)
        self._slugs = frozenset(entry.slug for entry in self.entries)
        self._lexicon = lexicon.for_language(language)
        self._number_by_question = {
            self._lexicon.expand_abbreviations(question): number
            for number, entry in enumerate(self.entries)
            for question in entry.questions
        }
        # The everyday words are left out, because first names are among them.
        self._common_words = (self._lexicon.vocabulary - self._lexicon.everyday) | self._lexicon.stop_words
        # Questions repeat the same words: these caches save most of the time of a search.
        self._stem = lru_cache(maxsize=4096)(_stemmer(language, self._lexicon.everyday))
        self._query_part = lru_cache(maxsize=2048)(self._build_query_part)
        self._correct_word = lru_cache(maxsize=4096)(self._choose_spelling)
        self.search = lru_cache(maxsize=512)(self._search)
        documents = [self._field_texts(entry) for entry in cooperative(self.entries)]
        by_slug = lexicon.paraphrases(language)
        paraphrases = [by_slug.get(entry.slug, "") for entry in self.entries]
        self._bm25 = BM25(list(map(self._field_stems, cooperative(documents), paraphrases)))
        self._char_ngrams = CharNgrams(list(map(_ngram_text, documents, paraphrases)), self._lexicon.stop_words)
        words = {word for texts in documents for text in texts.values() for word in text.split()}
        self._spelling = Spelling(self._lexicon.vocabulary | words)
        self._classifier = paraphrase_classifier.for_language(language)
        # Of each entry; None if the classifier has not learned it.
        learned = self._classifier.slugs
        self._learned_slugs = [entry.slug if entry.slug in learned else None for entry in self.entries]
        self._synonyms = dict(self._known_synonyms())
        self._phrases = Phrases(self._synonyms)

    def _field_texts(self, entry: KnowledgeEntry) -> dict[str, str]:
        """The normalised text of each searched field."""
        texts = {
            "slug": entry.slug,
            "title": entry.title,
            "keywords": " ".join(entry.keywords),
            "questions": " ".join(entry.questions),
            "text": entry.text,
            "name": "" if "-" in entry.slug else entry.slug,
        }
        return {field: self._lexicon.normalise(text) for field, text in texts.items()}

    def _field_stems(self, texts: dict[str, str], paraphrases: str) -> Document:
        stop_words = self._lexicon.stop_words
        stems = {
            field: [self._stem(word) for word in text.split() if word not in stop_words]
            for field, text in texts.items()
        }
        return stems | {"paraphrases": self._stems(paraphrases)}

    def _known_synonyms(self) -> Iterator[tuple[Words, Words]]:
        """Stems of each phrase of the lexicon with those stems of its synonym that occur in an entry."""
        for phrase, synonym in cooperative(self._lexicon.synonyms):
            if known := tuple(stem for stem in self._stems(synonym) if self._bm25.document_frequency(stem)):
                yield self._stems(phrase), known

    def _search(self, question: str, limit: int, *, is_follow_up: bool = False) -> tuple[SearchHit, ...]:
        """The entries with at least one term of the question, best first."""
        expanded = self._lexicon.expand_abbreviations(question)
        is_off_topic = self._lexicon.is_off_topic(expanded)
        bm25_scores = self._normalised_bm25(expanded, OFF_TOPIC_TERMS if is_off_topic else 0)
        if not bm25_scores:
            return ()
        words = self._lexicon.replace_variants(expanded).split()
        similarities = self._char_ngrams.similarities(words)
        scores = [
            score and score + SIMILARITY_WEIGHT * similarity
            for score, similarity in zip(bm25_scores, similarities, strict=True)
        ]
        # The classifier has met no whole texts, and adds nothing to what is off topic.
        if not (is_off_topic or len(words) > MAX_CLASSIFIED_WORDS):
            scores = list(self._classified(words, scores, is_follow_up=is_follow_up))
        if (own := self._number_by_question.get(expanded)) is not None:
            first = math.nextafter(max(scores), math.inf)  # an entry's own question finds that entry first
            scores[own] = first if is_follow_up else max(first, GOOD_FIT)
        best = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[:limit]
        return tuple(SearchHit(self.entries[number], scores[number]) for number in best if scores[number])

    def _classified(self, words: Sequence[str], scores: Sequence[float], *, is_follow_up: bool) -> Iterator[float]:
        """Each entry's score with what the classifier knows of these words; 0 stays 0."""
        fits = self._classifier.fits(words)
        # The fit of NO_ENTRY, or of an entry that is not here, such as one without a translation.
        fit_of_none = max((fit for slug, fit in fits.items() if slug not in self._slugs), default=0.0)
        if is_follow_up:  # its conversation has the words that it lacks
            fit_of_none = 0.0
        for learned_slug, score in zip(self._learned_slugs, scores, strict=True):
            if not score:
                yield 0.0
            elif learned_slug is not None:
                fit = fits.get(learned_slug, 0.0)
                yield max(0.0, score + CLASSIFIER_WEIGHT * fit - NO_ENTRY_WEIGHT * fit_of_none)
            else:
                yield score + CLASSIFIER_WEIGHT * min(1.0, score / FITTING_SCORE)

    def knows_all_words(self, text: str) -> bool:
        """Whether all words occur in the entries or the lexicon, with no name and at most one short number."""
        if any(lexicon.fold(name) not in self._common_words for name in NAME.findall(text)):
            return False
        words = self._lexicon.normalise(text).split()
        numbers = [word for word in words if not word.isalpha()]
        if len(numbers) > 1 or any(len(number) > MAX_NUMBER_LENGTH for number in numbers):
            return False
        return all(word in self._common_words or self._bm25.is_in_an_entry(self._stem(word)) for word in words)

    def _normalised_bm25(self, question: str, unknown_terms: int) -> list[float]:
        """The first term of the score formula for each entry; empty when no term of the question is known.

        `unknown_terms` is added to the number of unknown terms in the question.
        """
        parts = self._query_parts(question)
        unit = self._bm25.unknown_term_score
        possible = min(sum(part.max_score for part in parts), MAX_POSSIBLE * unit) + (EVIDENCE + unknown_terms) * unit
        scores = [part.scores for part in parts if part.scores]
        return [total / possible for total in map(sum, zip(*scores, strict=True))]

    def content(self, question: str) -> float:
        """How much a question says by itself: the best possible BM25 of its terms, in multiples of an unknown term's.

        0 for nothing but stop words, 1 for an unknown word, less for a common one.
        """
        parts = self._query_parts(self._lexicon.expand_abbreviations(question))
        return sum(part.max_score for part in parts) / self._bm25.unknown_term_score

    def _query_parts(self, question: str) -> list[QueryPart]:
        segments = islice(self._segment(question), MAX_QUERY_PARTS)
        return [self._query_part(stems, synonyms) for stems, synonyms in segments]

    def _segment(self, question: str) -> dict[tuple[Words, Words], None]:
        """The question's phrases as (stems, stems of the synonym), in order and without repetitions."""
        text = self._lexicon.replace_variants(self._correct_spelling(question))
        words, all_stems = text.split(), self._stems(text)
        parts: dict[tuple[Words, Words], None] = {}
        for position in self._phrases.segment(all_stems):
            phrase = all_stems[position]
            stop_words = self._lexicon.stop_words
            stems = tuple(stem for word, stem in zip(words[position], phrase, strict=True) if word not in stop_words)
            synonyms = tuple(stem for stem in self._synonyms.get(phrase, ()) if stem not in all_stems)
            if stems or synonyms:
                parts[stems, synonyms] = None
        return parts

    def _correct_spelling(self, text: str) -> str:
        """Drop elided letters whose apostrophe is missing; replace each unknown word by its most frequent candidate."""
        return " ".join(map(self._correct_word, text.split()))

    def _choose_spelling(self, word: str) -> str:
        if word in self._lexicon.vocabulary or self._bm25.is_correctly_spelled(self._stem(word)):
            return word
        # Before the test for known words: the entries' example questions contain errors such as `laesh`, too.
        if word[0] in ELIDED_LETTERS and word[1:] and self._bm25.is_correctly_spelled(self._stem(word[1:])):
            return word[1:]
        if self._document_frequency(word):
            return word
        return max(sorted(self._spelling.candidates(word)), key=self._document_frequency, default=word)

    def _build_query_part(self, stems: Words, synonyms: Words) -> QueryPart:
        part = self._sum_of(stems)
        if not synonyms:
            return part
        synonym_part = self._sum_of(synonyms)
        weighted = [SYNONYM_WEIGHT * score for score in synonym_part.scores]
        alternatives = [scores for scores in (part.scores, weighted) if scores]
        max_score = max(part.max_score if part.scores else 0.0, synonym_part.max_score * SYNONYM_WEIGHT)
        return QueryPart(array("f", map(dis_max, zip(*alternatives, strict=True))), max_score)

    def _sum_of(self, stems: Words) -> QueryPart:
        return QueryPart(self._bm25.scores(stems), sum(self._bm25.max_score(stem) for stem in stems))

    def _document_frequency(self, word: str) -> int:
        return self._bm25.document_frequency(self._stem(word))

    def _stems(self, text: str) -> Words:
        return tuple(map(self._stem, text.split()))


def _ngram_text(texts: dict[str, str], paraphrases: str) -> str:
    """All fields, and the words that occur in paraphrases at least MIN_PARAPHRASED times."""
    words = paraphrases.split()
    counts = Counter(words)
    return " ".join(chain(texts.values(), (word for word in words if counts[word] >= MIN_PARAPHRASED)))


def _stemmer(language: Language, everyday: frozenset[str]) -> Callable[[str], str]:
    """A function from word to stem. An everyday word has a stem of its own, so that it matches only itself."""
    analyzer = TextAnalyzerBuilder(Tokenizer.raw()).filter(Filter.stemmer(STEMMERS[language])).build()
    return lambda word: f"{word}=" if word in everyday else analyzer.analyze(word)[0]
