"""Explains a document by quoting its first sentences, between fixed sentences in French or English."""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import shorten

from ai_service.quoting import Language, language_of, sentences_of

QUOTED_SENTENCES = 5
LONGEST_QUOTE = 300  # characters

OPENING: dict[Language, str] = {
    "fr": "J'ai lu ce document pour vous. Voici ce qu'il dit.",
    "en": "I have read this document for you. Here is what it says.",
}
CLOSING: dict[Language, str] = {
    "fr": "Gardez une copie de ce document et notez les dates qu'il donne. Je ne donne pas d'avis médical. "
    "En cas de doute, appelez le service qui l'a envoyé, ou le 0 800 360 360 (gratuit).",
    "en": "Keep a copy of this document and note the dates in it. I give no medical opinion. "
    "When in doubt, call the office that sent it, or 0 800 360 360 (free).",
}
SUGGESTIONS: dict[Language, tuple[str, ...]] = {
    "fr": ("Comment contester une décision de la MDPH ?", "Comment préparer un dossier MDPH ?"),
    "en": ("How do I appeal an MDPH decision?", "How do I prepare an MDPH file?"),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """An explanation in Markdown, and questions that may follow."""

    text: str
    suggestions: tuple[str, ...]


def explain(document: str, instructions: str = "") -> Explanation:
    """Explain the document in the language of the instructions, else in its own."""
    language = language_of(instructions, document)
    paragraphs = re.split(r"\n\s*\n", document.strip())
    sentences = [sentence for paragraph in paragraphs for sentence in sentences_of(paragraph) if sentence]
    complete = [sentence for sentence in sentences if sentence.endswith((".", "!", "?"))]  # not a letterhead
    quotes = [f"> {shorten(text, LONGEST_QUOTE, placeholder=' …')}" for text in (complete or sentences)]
    text = "\n\n".join([OPENING[language], *quotes[:QUOTED_SENTENCES], CLOSING[language]])
    return Explanation(text, SUGGESTIONS[language])
