"""How people write: abbreviations, spellings and the parents' own words for what our entries say otherwise.

One table a language beside this file, for editors rather than programmers; nothing here knows how search works.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from chat.knowledge.phrases import Phrases
from chat.questions import Language

FOLDER = Path(__file__).parent / "wording"


class Wording:
    """One language's table."""

    def __init__(self, language: Language) -> None:
        table = tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))
        self.stop_words = frozenset(table["stop_words"].split())
        self._short = Replacements(table["short"].items())
        self._same = Replacements(_turned(table["same"]))
        self.meanings = [(self.written(said), self.written(meant)) for said, meant in _turned(table["meaning"])]
        heard = (said for said, _ in (*_turned(table["same"]), *_turned(table["meaning"])))
        self.vocabulary = self.stop_words.union(*(folded(said).split() for said in heard))

    def spelt_out(self, question: str) -> str:
        """A question without case, accents or punctuation, SMS style made plain."""
        return self._short.apply(folded(question))

    def written(self, text: str) -> str:
        """Words without case, accents or punctuation, one spelling for those that have several."""
        return self.unified(folded(text))

    def unified(self, text: str) -> str:
        """The same of words that are folded already."""
        return self._same.apply(text)


class Replacements:
    """Words, and runs of words, to be put in place of others."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._meant = {tuple(folded(said).split()): folded(meant) for said, meant in pairs}
        self._phrases = Phrases(self._meant)

    def apply(self, text: str) -> str:
        """The text, which is folded already, with all of them in place."""
        words = text.split()
        if not self._phrases.may_be_in(words):
            return text
        said = (tuple(words[run]) for run in self._phrases.cut(words))
        return " ".join(filter(None, (self._meant.get(run, run[0]) for run in said)))


def _turned(table: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    return [(said, meant) for meant, saids in table.items() for said in saids]


@cache
def of(language: Language) -> Wording:
    return Wording(language)


def folded(text: str) -> str:
    """`L'été à Œuilly` → `l ete a oeuilly`."""
    text = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    return " ".join(_WORD.findall(_ACCENTS.sub("", text)))


_ACCENTS = re.compile("[\u0300-\u036f]+")
_WORD = re.compile("[a-z0-9]+")
