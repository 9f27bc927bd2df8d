"""What a person asks, and the passages that may ground the answer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Language = Literal["fr", "en"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of the conversation."""

    role: Literal["user", "assistant", "system"]
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the knowledge base that fits a question; `score` grows with the fit.

    `revision` changes whenever the entry it was taken from does.
    """

    slug: str
    title: str
    text: str
    source_name: str
    source_url: str
    score: float
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One message, with all that may change its answer."""

    text: str
    language: Language
    caller_id: str
    history: tuple[Turn, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_public(self) -> bool:
        """Whether anyone who types the same words may read the same answer."""
        return not self.history and not self.context


def normalise(text: str) -> str:
    """The same question however it is typed, where the typing can't change what is meant.

    Case, runs of spaces, kinds of apostrophe and dash, ligatures, the cedilla and punctuation at the end don't count:
    `  QU’EST-CE que  l'Œil ?!` is `qu'est-ce que l'oeil`. Accents do: `pêche` and `péché` are two questions, and so are
    `il a` and `il à`; a search may fold them, a key may not. Nor may punctuation inside, or a sign: `10 %` is not `10`.
    """
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", text).casefold().translate(_TYPING)).strip(" .!?,;:")


_SPACES = re.compile(r"\s+")
# No two French words differ by a ligature or a cedilla alone.
_TYPING = str.maketrans(
    dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014", "-")
    | {"œ": "oe", "æ": "ae", "ç": "c"}
)


def language_of(text: str, otherwise: Language = "fr") -> Language:
    """The language a person wrote in, by its commonest words; `otherwise` when they don't tell.

    Two languages and a handful of words: a language detection library would weigh more than the rest of the program.
    """
    words = set(re.findall(r"[a-zà-ÿ]+", text.casefold()))
    french, english = len(words & _FRENCH), len(words & _ENGLISH)
    if french == english:
        return otherwise
    return "fr" if french > english else "en"


_FRENCH = frozenset(
    """
    je j tu il elle on nous vous ils elles le la les l un une des du de d au aux ce cette ces c mon ma mes son sa ses notre
    votre leur et ou est es suis sont ai as avez avons ont pas ne n que qu qui quoi quel quelle quels quelles comment combien
    pourquoi quand pour avec sans dans sur chez faire fait peut puis dois doit droit enfant fils fille école bonjour merci
    demander demande aide svp cest
    """.split()  # noqa: SIM905 words read better as words
)
_ENGLISH = frozenset(
    """
    i my me we you he she they the a an of to in for with without is are am was do does did can could how what which who
    when where why and or not it its his her our your their this that child son daughter school help please hello thanks
    get apply should have has need much many
    """.split()  # noqa: SIM905 likewise
)
