"""A letter or a report in plain words: what it is, what it asks and by when, what to do next.

Whatever is said about the document is quoted from it; our own words only say what to do with such a thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import shorten

from ai_service import phrases
from ai_service.document_phrases import ADVICE, HEADINGS, Subject
from ai_service.words import folded, language_of, sentences_of

LONGEST = 300  # characters of a quoted sentence

# The first sign that is found, in folded text, tells what a document is about. The order matters: who asks for papers
# often threatens to refuse, and who refuses often recalls what was granted before.
SIGNS: dict[Subject, str] = {
    "missing": r"incomplet|completer (votre|le) dossier|pieces? (manquant|complementair|suivant)|missing document",
    "debt": r"trop[- ]percu|\bindu\b|mise en demeure|rest(e|ant) a payer|overpayment|amount due",
    "refusal": r"\brejet|\brefus|n'est pas accorde|defavorable|ne peut (pas )?(donner|etre|reserver)|rejected|refused",
    "appointment": r"\bconvocation|\bconvoque|(?<!prochain )rendez-vous|appointment",
    "medical": r"certificat medical|compte[- ]rendu|\bbilan\b|diagnosti|ordonnance|medical (certificate|report)",
    "agreement": r"\baccord(e|ee|es|ees|ons)?\b|favorable|notification|\battribu|granted|approved",
}
SENDERS = {
    "MDPH": r"\bmdph\b|maison departementale des personnes handicapees",
    "CDAPH": r"\bcdaph\b|commission des droits et de l'autonomie",
    "CAF": r"\bcaf\b|caisse d'allocations familiales",
    "MSA": r"\bmsa\b|mutualite sociale agricole",
    "Assurance maladie": r"\bcpam\b|assurance maladie",
    "Éducation nationale": r"education nationale|\brectorat\b|\bacademie\b|inspection academique",
    "tribunal": r"\btribunal\b",
}
NUMBER = r"(\d+|un|deux|trois|quatre|six|one|two|three|four|six)"
MONTH = (
    "(janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre"
    "|january|february|march|april|may|june|july|august|september|october|november|december)"
)
ASKS_OR_LIMITS = (
    r"\bveuillez\b|\bmerci de\b|nous vous (demandons|invitons|prions)|vous devez|il vous appartient|vous prie de"
    r"|\ba (nous )?(retourner|renvoyer|adresser|fournir)\b|\bplease\b|you (must|have to|need to)|we ask you"
    r"|avant le \d|au plus tard|jusqu'au \d"
    rf"|\bdelai\b.{{0,80}}\b{NUMBER}\b|\b(sous|dans les) {NUMBER} (jour|mois|semaine)"
    rf"|\b(before|by|until) (the )?(\d|{MONTH})|\bwithin {NUMBER}\b"
)
FIGURES = rf"\d\s?(€|euros?\b)|\b\d{{1,2}}(er)? {MONTH}\b|\b{MONTH} \d|\b\d{{1,2}}/\d{{1,2}}/\d{{2,4}}\b"
FAREWELL = r"\bsalutations\b|(veuillez|prie d[e'] ?)(agreer|croire|recevoir)|yours (sincerely|faithfully)"


@dataclass(frozen=True, slots=True)
class Explained:
    """The explanation, in Markdown, and questions that could come next."""

    text: str
    suggestions: tuple[str, ...]


def explain(document: str, document_type: str, instructions: str = "") -> Explained:
    """Explain it in the language of the instructions, else in its own. `document_type` is the person's guess."""
    language = language_of(instructions) or language_of(document) or "fr"
    subject = _subject(document, document_type)
    advice, headings = ADVICE[language][subject], HEADINGS[language]
    sentences = Sentences(document)
    paragraphs = [
        headings.opening,
        f"**{headings.what}** {advice.what}{_names(document, headings.sender)}",
        *_quotes(sentences.take(SIGNS[subject], 2) if subject in SIGNS else []),
        *_section(headings.asks, sentences.take(ASKS_OR_LIMITS, 4)),
        *_section(headings.figures, sentences.take(FIGURES, 4)),
        *_section(headings.steps, advice.steps),
        phrases.variant(phrases.IN_DOUBT[language], document),
    ]
    return Explained("\n\n".join(paragraphs), advice.suggestions)


class Sentences:
    """The sentences of a document, each of them quoted once at most."""

    def __init__(self, document: str) -> None:
        sentences = [sentence for paragraph in _paragraphs(document) for sentence in sentences_of(paragraph)]
        self._left = {text: folded(text) for text in sentences if not re.search(FAREWELL, folded(text))}

    def take(self, sign: str, most: int) -> list[str]:
        """The next sentences that bear this sign, in their order, shortened where they are long."""
        found = [text for text, plain in self._left.items() if re.search(sign, plain)][:most]
        for text in found:
            del self._left[text]
        return [shorten(text, LONGEST, placeholder=" …") for text in found]


def _paragraphs(document: str) -> list[str]:
    """The paragraphs, a list made part of the sentence that leads it in."""
    paragraphs = [""]
    in_list = False
    for line in document.splitlines():
        item = re.match(r"\s*[-•*–]\s+(.*)", line)
        if item:
            paragraphs[-1] += f"{' ;' if in_list else ''} {item[1].rstrip(' ;,.')}"
        elif not line.strip() or (in_list and line.lstrip()[0].isupper()):
            paragraphs.append(line)
        else:
            paragraphs[-1] += f" {line}"
        in_list = bool(item)
    return paragraphs


def _subject(document: str, document_type: str) -> Subject:
    plain = " ".join(folded(document).split())
    found: Subject = next((subject for subject, signs in SIGNS.items() if re.search(signs, plain)), "other")
    return "medical" if document_type == "medical" and found in {"appointment", "agreement", "other"} else found


def _names(document: str, phrase: str) -> str:
    """Which offices the document speaks of, as a sentence."""
    plain = " ".join(folded(document).split())
    names = [name for name, signs in SENDERS.items() if re.search(signs, plain)]
    return f" {phrase.format(sender=', '.join(names))}" if names else ""


def _quotes(sentences: Iterable[str]) -> list[str]:
    return [f"> {sentence}" for sentence in sentences]


def _section(heading: str, lines: Sequence[str]) -> list[str]:
    return ["\n".join([f"**{heading}**", "", *(f"- {line}" for line in lines)])] if lines else []
