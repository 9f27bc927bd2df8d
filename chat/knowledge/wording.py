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
        return self._same.apply(folded(text))


class Replacements:
    """Words, and runs of words, to be put in place of others: the longest run first, in one pass."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._meant = {folded(said): folded(meant) for said, meant in pairs}
        longest_first = sorted(self._meant, key=len, reverse=True)
        self._pattern = re.compile(rf"\b(?:{'|'.join(longest_first)})\b")

    def apply(self, text: str) -> str:
        return self._pattern.sub(lambda found: self._meant[found[0]], text)


def _turned(table: Mapping[str, list[str]]) -> list[tuple[str, str]]:
    return [(said, meant) for meant, saids in table.items() for said in saids]


@cache
def of(language: Language) -> Wording:
    return Wording(language)


def folded(text: str) -> str:
    """`L'été à Œuilly` → `l ete a oeuilly`."""
    text = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    return " ".join(re.findall("[a-z0-9]+", re.sub("[\u0300-\u036f]+", "", text)))
