"""How people write: abbreviations, spellings and the parents' own words for what our entries say otherwise.

One table a language beside this file, for editors rather than programmers; nothing here knows how search works.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from chat.questions import Language

FOLDER = Path(__file__).parent / "wording"


class Wording:
    """One language's table."""

    def __init__(self, language: Language) -> None:
        table = tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))
        self.stop_words: list[str] = table["stop_words"].split()
        self._short = Replacements(table["short"].items())
        self._same = Replacements((said, meant) for meant, saids in table["same"].items() for said in saids)
        self.meanings: list[tuple[str, str]] = [
            (self.written(said), self.written(meant)) for meant, saids in table["meaning"].items() for said in saids
        ]

    def written(self, text: str) -> str:
        """Words without case, accents or punctuation, one spelling for those that have several."""
        return self._same.apply(folded(text))

    def asked(self, text: str) -> str:
        """The same for a question, which may be typed in SMS style."""
        return self._same.apply(self._short.apply(folded(text)))


class Replacements:
    """Words, and runs of words, to be put in place of others: the longest run first, in one pass."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._meant = {folded(said): folded(meant) for said, meant in pairs}
        longest_first = sorted(self._meant, key=len, reverse=True)
        self._pattern = re.compile(rf"\b(?:{'|'.join(longest_first)})\b")

    def apply(self, text: str) -> str:
        return self._pattern.sub(lambda found: self._meant[found[0]], text)


@cache
def of(language: Language) -> Wording:
    return Wording(language)


def folded(text: str) -> str:
    """`L'été à Œuilly` → `l ete a oeuilly`."""
    text = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    return " ".join(re.findall(r"[a-z0-9]+", "".join(letter for letter in text if not unicodedata.combining(letter))))
