"""Writes answers that quote the passages of a prompt: an opening, quoted sentences with their citation, a closing.

The same question over the same passages always gets the same answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

Language = Literal["fr", "en"]

QUOTED_PASSAGES = 2
QUOTED_LINES = 2  # sentences of a paragraph, items of a list

OPENING: dict[Language, str] = {
    "fr": "Vous faites bien de poser la question. Voici ce que disent nos fiches.",
    "en": "It is good that you ask. Here is what our articles say.",
}
CLOSING: dict[Language, str] = {
    "fr": "**La prochaine étape** : parlez-en à la MDPH de votre département, ou appelez le 0 800 360 360 (gratuit).",
    "en": "**Your next step**: talk to your département's MDPH, or call 0 800 360 360 (free).",
}
NO_PASSAGE: dict[Language, str] = {
    "fr": "Bonjour. Je réponds avec nos fiches, et je n'y ai rien trouvé pour ce message ; "
    "je préfère ne pas inventer.\n\n"
    "La MDPH de votre département peut vous répondre, ou le 0 800 360 360 (gratuit). "
    "Vous pouvez aussi me poser la question autrement.",
    "en": "Hello. I answer from our articles and found nothing there for this message; I would rather not invent.\n\n"
    "Your département's MDPH can answer you, or 0 800 360 360 (free). You can also ask me in other words.",
}

_CONTEXT = re.compile(r"<context>.*?</context>", re.DOTALL)  # profile data that the prompt appends to a question
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+(?=[«\"“(]?\s?[A-ZÀÂÇÉÈÊËÎÏÔÙÛŒ0-9])")
_ITEM = re.compile(r"[-*] ")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FRENCH_WORDS = _words(
    "au aux avec bonjour ce ces combien comment dans de des du elle en est et faire il je la le les ma mes moi mon "
    "ne nous ou par pas pour quand que quel quelle qui quoi se son sur un une veut vos votre vous"
)
_ENGLISH_WORDS = _words(
    "a an and are at by can do does for from get hello her his how i in is it me my of she that the their they this "
    "to was what when where which who why will with you your"
)
FUNCTION_WORDS = _FRENCH_WORDS | _ENGLISH_WORDS


@dataclass(frozen=True, slots=True)
class Passage:
    """A text in Markdown with its title and source URL."""

    title: str
    source: str
    text: str


def answer(question: str, passages: Sequence[Passage], instructions: str = "") -> str:
    """Markdown in the language of the question, else of the instructions or passages. Passages are cited from [1]."""
    question = _CONTEXT.sub("", question)
    language = language_of(question, instructions, *(passage.text for passage in passages))
    if not passages:
        return NO_PASSAGE[language]
    quotes = [
        f"{_beginning(passage.text)} [{number}]" for number, passage in enumerate(passages[:QUOTED_PASSAGES], start=1)
    ]
    return "\n\n".join([OPENING[language], *quotes, CLOSING[language]])


def language_of(*texts: str) -> Language:
    """The language of the first text with a majority of French or English function words; French by default."""
    for text in texts:
        words = words_of(text)
        french = sum(word in _FRENCH_WORDS for word in words)
        english = sum(word in _ENGLISH_WORDS for word in words)
        if french != english:
            return "fr" if french > english else "en"
    return "fr"


def words_of(text: str) -> list[str]:
    """The words in lower case and without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())  # noqa: TID251 - of text that the program has bounded
    return re.findall(r"[a-z0-9]+", decomposed.encode("ascii", "ignore").decode())


def sentences_of(paragraph: str) -> list[str]:
    """The sentences of a paragraph, whose line breaks are spaces."""
    return _SENTENCE_END.split(" ".join(paragraph.split()))


def _beginning(text: str) -> str:
    """The first paragraph or list of a Markdown text, shortened; a paragraph that ends with a colon has its list."""
    quotes: list[str] = []
    for block in _blocks(text):
        if block[0].startswith("#"):
            continue
        quotes.append(_shorten(block))
        if not quotes[-1].endswith(":"):
            break
    return "\n\n".join(quotes)


def _shorten(block: list[str]) -> str:
    if _ITEM.match(block[0]):
        return "\n".join(block[:QUOTED_LINES])
    return " ".join(sentences_of(" ".join(block))[:QUOTED_LINES])


def _blocks(text: str) -> Iterator[list[str]]:
    """Headings, paragraphs and lists as their lines; the continuation lines of an item are joined to it."""
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        stripped = line.strip()
        is_list = bool(block) and bool(_ITEM.match(block[0]))
        if stripped and is_list and line.startswith("  "):
            block[-1] += f" {stripped}"
            continue
        continues = block and not block[0].startswith("#") and is_list == bool(_ITEM.match(stripped))
        if stripped and not stripped.startswith("#") and continues:
            block.append(stripped)
            continue
        if block:
            yield block
        block = [stripped] if stripped else []
