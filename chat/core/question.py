"""Questions, and the knowledge passages that ground their answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from chat.core import unicode_text
from chat.core.events import Source
from observability import masking

Language = Literal["fr", "en"]

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

    It folds case, whitespace, kinds of apostrophe and dash, ligatures, full-width and mathematical letters, the cedilla,
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


def language_of(text: str, default: Language = "fr") -> Language:
    """The language with more of its common words in the text; on a tie French if it has a French accent, else `default`.

    Two languages do not justify a language detection library, which is larger than the rest of the program.
    """
    french, english = common_words(text)
    if french != english:
        return "fr" if french > english else "en"
    return "fr" if any(map(_ACCENTS.intersection, _words_of(text))) else default


def common_words(text: str) -> tuple[int, int]:
    """How many common words of French and of English are in the text, each counted once."""
    words = _words_of(text)
    return len(words & _FRENCH), len(words & _ENGLISH)


def _words_of(text: str) -> set[str]:
    """The words in lower case; of `it's` and `I'd` the ends are words of their own, with their apostrophe."""
    return set(_WORD.findall(unicode_text.normalize("NFC", text).casefold().replace("\u2019", "'")))


_WORD = re.compile(r"(?:'(?:d|ll|m|re|s|t|ve)\b)|[a-zà-ÿœ]+")
_ACCENTS = frozenset("àâçèéêëîïôùûœ")
# Words that both languages have (a, an, me, on, son, as, but, place, parent) are in neither list.
_FRENCH = frozenset(
    """
    je j m tu il elle nous vous ils elles le la les l un une des du de d au aux ce c ça ca cette ces cet mon ma mes moi sa ses
    notre nos votre vos leur leurs lui et ou où est es êtes suis sont était être été ai avez avons ont avoir pas ne n que qu
    qui quoi quel quelle quels quelles comment combien pourquoi quand pour avec sans dans sur chez par en y à depuis pendant
    après apres avant vers entre contre mais donc si plus très trop encore toujours jamais rien tout toute tous aussi voilà
    voila faire fait fais peut peux puis peuvent dois doit faut veut veux va vais aller donner prendre demander demande aide
    aides aider droit droits enfant enfants fils fille filles bébé ado école ecole collège lycée classe maîtresse handicapé
    handicap maman papa mari femme famille maison bonjour bonsoir merci svp cest ans mois jours semaine
    recours dossier montant montants refus refusé refusée allocation formulaire certificat carte courrier lettre
    délai délais attente durée numéro numero téléphone adresse horaires renouvellement complément taux congé
    démarche démarches remboursement orthophoniste psychologue médecin medecin fauteuil transport scolaire
    scolarité cantine autiste autisme absent absente orientation plafond plafonds sortie sorties saturé introuvable
    demandes dossiers dépôt depot barème bareme simulateur maladie malade inscription
    """.split()  # noqa: SIM905 more readable than a list
)
_ENGLISH = frozenset(
    """
    i my we us you he him she they them the of to in for from with without at by about after before between is isn are
    am was were be been being do does did don can could would will how what which who whom when where why and or not if no
    it its his her our your their this that these those there child children kid kids daughter school help please hello hi
    thanks thank get got apply applying should must may have has had need needs want much many more any some all my one
    's 'm 'd 'll 're 've 't
    appeal amount form benefit benefits allowance refused refusal rejected denied delay deadline phone number
    address hours opening renewal renew card letter disability disabled autistic autism wheelchair teacher doctor speech
    therapist therapy waiting time work leave pay paid money cost costs free care carer help
    meeting decision claim rights year years old month months tired exhausted alone lost stuck moving
    explained explain mean means meaning works yet first next then now here
    """.split()  # noqa: SIM905 as above
)
