"""Text normalisation for the search: abbreviations, spelling variants and synonyms, one table for each language.

The tables (`lexicon_fr.toml`, `lexicon_en.toml`) are written for editors; this module does not depend on the search.
"""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from chat.core import unicode_text
from chat.core.language import Language
from chat.knowledge.phrases import Phrases

FOLDER = Path(__file__).parent
PARAPHRASES = FOLDER / "paraphrases.json.gz"  # written by benchmarks/knowledge/paraphrases.py


class Lexicon:
    """The table of one language. All texts it returns are folded."""

    def __init__(self, language: Language) -> None:
        table = tomllib.loads((FOLDER / f"lexicon_{language}.toml").read_text("utf-8"))
        variants, synonyms = _inverted(table["variants"]), _inverted(table["synonyms"])
        self.stop_words = frozenset(table["stop_words"].split())
        # Words that resemble terms of the entries: they match only themselves.
        self.everyday = frozenset(table["everyday"].split())
        self._abbreviations = Replacements(table["abbreviations"].items())
        self._variants = Replacements(variants)
        # Pairs of a phrase and the term that entries use for it, both normalised.
        self.synonyms = [(self.normalise(phrase), self.normalise(term)) for phrase, term in synonyms]
        self._off_topic = Phrases(tuple(fold(phrase).split()) for phrase in table["off_topic"]["phrases"])
        self._on_topic = Phrases(tuple(fold(phrase).split()) for phrase in table["off_topic"]["unless"])
        self.vocabulary = (self.stop_words | self.everyday).union(
            *(fold(phrase).split() for phrase, _ in (*variants, *synonyms))
        )

    def expand_abbreviations(self, question: str) -> str:
        """Fold a question and write out its abbreviations (SMS style)."""
        return self._abbreviations.apply(fold(question))

    def is_off_topic(self, folded: str) -> bool:
        """Whether a question has words of other subjects, and none of the entries' subjects."""
        words = folded.split()
        return self._off_topic.occur_in(words) and not self._on_topic.occur_in(words)

    def normalise(self, text: str) -> str:
        """Fold a text and replace spelling variants by their common form."""
        return self.replace_variants(fold(text))

    def replace_variants(self, folded: str) -> str:
        """Replace spelling variants in a text that is folded already."""
        return self._variants.apply(folded)


class Replacements:
    """Replaces words and phrases by others."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._replacements = {tuple(fold(phrase).split()): fold(replacement) for phrase, replacement in pairs}
        self._phrases = Phrases(self._replacements)

    def apply(self, folded: str) -> str:
        """The folded text with every known phrase replaced; an empty replacement removes the phrase."""
        words = folded.split()
        if not self._phrases.may_occur_in(words):
            return folded
        segments = (tuple(words[segment]) for segment in self._phrases.segment(words))
        return " ".join(filter(None, (self._replacements.get(segment, segment[0]) for segment in segments)))


def _inverted(table: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    return [(phrase, term) for term, phrases in table.items() for phrase in phrases]


@cache
def for_language(language: Language) -> Lexicon:
    return Lexicon(language)


def paraphrases(language: Language) -> dict[str, str]:
    """By slug, the words in which people other than its author ask for an entry: normalised, sorted, as often as used.

    Entries that an operator adds have none. Read at each call: an index needs them only while it is built.
    """
    # Not by orjson, which takes twelve times the size of the text for it.
    words: dict[str, dict[str, str]] = json.loads(gzip.decompress(PARAPHRASES.read_bytes()))
    return words[language]


def fold(text: str) -> str:
    """Lower case, without accents or punctuation: `L'été à Œuilly` → `l ete a oeuilly`."""
    text = unicode_text.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    return " ".join(_WORD.findall(_ACCENTS.sub("", text)))


_ACCENTS = re.compile("[\u0300-\u036f]+")
_WORD = re.compile("[a-z0-9]+")
