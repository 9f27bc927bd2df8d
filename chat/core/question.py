"""Questions, and the knowledge passages that ground their answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from chat.core import unicode_text
from chat.core.events import Source
from chat.core.language import Language
from observability import masking

# The longest question of the knowledge base has 127 characters.
COMMON_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of the conversation."""

    role: Literal["user", "assistant", "system"]
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A search result from the knowledge base. A higher `score` is a better match.

    `revision` changes whenever its knowledge entry changes. Its facts are as of the day `as_of` (ISO date, may be
    empty); `is_outdated` when they are due to be checked again.
    """

    slug: str
    title: str
    text: str
    source_name: str
    source_url: str
    score: float
    revision: str = ""
    as_of: str = ""
    is_outdated: bool = False

    def source(self, source_id: str) -> Source:
        """The source of an answer that rests on this passage."""
        title = f"{self.title} – {self.source_name}"
        return Source(source_id, title, self.source_url, self.as_of, self.is_outdated)


@dataclass(frozen=True, slots=True)
class Question:
    """One message with everything that may change its answer.

    Each optional field that is set makes the answer private. `history` is the conversation so far, oldest first;
    `letter` the latest document that the person keeps in it, with its facts. `context` is what the client tells of the
    person. `caller_token` is the caller's own access token if the AI service is to have it (AI_SERVICE_AUTH=caller),
    else empty. `held_identifiers`: the text had identifiers of persons before it was masked. `is_unusual`: it has words
    that neither the knowledge base nor several people have used; pipeline.sharing decides.
    """

    text: str
    language: Language
    caller_id: str
    history: tuple[Turn, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    caller_token: str = field(default="", repr=False)
    held_identifiers: bool = False
    is_unusual: bool = False
    letter: str = ""

    @property
    def earlier(self) -> tuple[str, ...]:
        """The earlier questions of this conversation, the latest last."""
        return tuple(turn.text for turn in self.history if turn.role == "user")

    @property
    def is_public(self) -> bool:
        """Whether all callers with the same text may share the answer."""
        return self._stands_alone and not self.is_unusual

    @property
    def _stands_alone(self) -> bool:
        return not (self.history or self.letter or self.context or self.caller_token or self.held_identifiers)

    @property
    def wording(self) -> str:
        """The text as the AI is asked, which is what its cache key is made of.

        Questions with one cache key therefore make the same prompt. Long texts and texts in a conversation are not
        normalised, because their answers are never shared.
        """
        is_common = self._stands_alone and len(self.text) <= COMMON_LENGTH
        return normalise(self.text) if is_common else self.text.strip()

    def masked(self) -> Question:
        """The question as the AI, the cache and the search may see it: without identifiers of persons."""
        text = masking.mask(self.text)
        return replace(
            self,
            text=text,
            history=tuple(_masked_turn(turn) for turn in self.history),
            context={name: _masked_value(name, value) for name, value in self.context.items()},
            letter=masking.mask(self.letter, masking.NUMBERS_OF_PERSONS),  # its telephone numbers are those of offices
            held_identifiers=self.held_identifiers or text != self.text,
        )


def _masked_turn(turn: Turn) -> Turn:
    # Phone numbers and addresses in an answer are those of services; a follow-up may ask about them.
    kinds = masking.NUMBERS_OF_PERSONS if turn.role == "assistant" else masking.KINDS
    text = masking.mask(turn.text, kinds)
    return turn if text == turn.text else replace(turn, text=text)


def _masked_value(name: str, value: Any) -> Any:
    """The value, or its masked text if it holds an identifier: a social security number may come as an integer.

    The name is read with it, because it may say what the value is.
    """
    label, text = f"{name}: ", str(value)
    masked = masking.mask(label + text)[len(label) :]
    return value if masked == text else masked


def normalise(text: str) -> str:
    """A canonical form of the text: equal for spellings that cannot differ in meaning.

    It folds case, whitespace, kinds of apostrophe and dash, ligatures, full-width and mathematical letters, cedillas,
    punctuation at the ends and more than three equal signs in a row: `  QU’EST-CE que  l'Œil ?!` becomes
    `qu'est-ce que l'oeil`. It keeps accents, because `pêche` and `péché`, `il a` and `il à` differ in meaning, raised,
    lowered and circled digits (`10²` is not `102`), and inner punctuation and signs: `10 %` is not `10`.
    """
    folded = unicode_text.normalize("NFC", text.translate(_VARIANTS)).casefold().translate(_FOLDED)
    line = _LONG_RUN.sub(r"\1\1\1", _SPACES.sub(" ", folded)).strip()
    return line.rstrip(" .!?,;:").lstrip(" !?;:") or line


_SPACES = re.compile(r"\s+")
_LONG_RUN = re.compile(r"([^\w\s])\1{3,}")
# Compatibility characters that differ from others in appearance only: ﬁ, full-width and half-width forms, and
# letters of mathematics. Not the other characters that Unicode calls compatible: ², ①, ½ are no 2, 1, 12.
_LOOKS = (range(0xFB00, 0xFB07), range(0xFF01, 0xFFE7), range(0x1D400, 0x1D800))
_VARIANTS = {code: unicode_text.normalize("NFKC", chr(code)) for codes in _LOOKS for code in codes} | str.maketrans(
    dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'")
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014", "-")
    | {"…": "..."}
)
# No two French words differ only by a ligature or a cedilla.
_FOLDED = str.maketrans({"œ": "oe", "æ": "ae", "ç": "c"})
