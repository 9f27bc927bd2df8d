"""The little that the stand-in knows of language: words that say nothing, stems, sentences, French or English."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Language = Literal["fr", "en"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Written folded: without accents, without capitals.
FRENCH = _words(
    """
    a ai aie ait alors apres as au aucun aussi autre aux avais avait avant avec avez avoir avons beaucoup bien
    bonjour bonsoir c ca car ce cela ces cet cette ceux chez combien comme comment coucou d dans de depuis des
    deux dire dit dois doit donc dont du elle elles en encore entre es est et etaient etait etant ete etre eu
    faire fait faites faut fois font ici il ils j jai je jusqu l la le les leur leurs lors lui m ma mais me
    meme merci mes moi mon n ne ni non nos notre nous on ont ou par parce pas pendant peu peut peux plus
    plutot pour pourquoi pouvez pouvoir pres puis qu quand que quel quelle quelles quels qui quoi s sa sais
    sait salut sans savoir se sera ses si soit son sont sous suis sur svp t ta te temps tes toi ton tous tout
    toute toutes tres trop tu un une va vais veut veux voir vos votre vous vraiment y
    """
)
ENGLISH = _words(
    """
    a about after all also am an and any are as at be because been before being both but by can could d did do
    does doing don for from get gets getting give go going got had has have having he hello her here hers hey
    hi him his how i if in into is it its just know like ll m make may me might mine more most much must my
    need no not now of off on once only or other our out over own please re s same see shall she should so
    some such t tell than thank thanks that the their them then there these they this those through to too
    under until up us use ve very want was we were what when where which while who whom why will with would
    yes you your
    """
)
# In nearly every question here, so they say little about which one it is.
COMMON = _words(
    """
    aide aider an ans child children daughter demande demander droit enfant enfants famille fille fils
    handicap handicape handicapee help kid mois obtenir parent parents question son year years
    """
)
ABBREVIATIONS = _words("al art bd cf dr env etc ex mlle mm mme mr mrs ms no p st ste tel")
FOLDING: dict[int, str | None] = dict.fromkeys(range(0x300, 0x370)) | {ord("œ"): "oe", ord("æ"): "ae", ord("’"): "'"}
STEM = 5  # letters

_NEXT_SENTENCE = re.compile(r"(?<=[.!?…])\s+(?=[«\"“(]?\s?[A-ZÀÂÇÉÈÊËÎÏÔÙÛŒ0-9])")


def folded(text: str) -> str:
    """Lower case, without accents, with plain apostrophes and ligatures spelled out."""
    return unicodedata.normalize("NFKD", text.casefold()).translate(FOLDING)


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", folded(text))


def meaningful_stems(text: str) -> list[str]:
    """The stems of the words that say something, in their order."""
    return [stem(word) for word in words_of(text) if word not in FRENCH and word not in ENGLISH and len(word) > 1]


def stems_of(text: str) -> set[str]:
    """What a text is about."""
    return set(meaningful_stems(text))


def stem(word: str) -> str:
    """The beginning that forms of one word share: demande, demander, demandez; work, working."""
    singular = word[:-1] if len(word) > 3 and word[-1] in "sx" else word
    return singular.removesuffix("ing")[:STEM] if len(singular) > 6 else singular[:STEM]


COMMON_STEMS = frozenset(stem(word) for word in COMMON)


def weight_of(stem: str) -> float:
    """How much a stem tells about which question it is."""
    return 0.3 if stem in COMMON_STEMS else 1.0


def language_of(text: str) -> Language | None:
    """French or English by their little words, None when they don't tell."""
    found = words_of(text)
    french = sum(word in FRENCH and word not in ENGLISH for word in found) + len(re.findall(r"[àâçéèêëîïôùûœ]", text))
    english = sum(word in ENGLISH and word not in FRENCH for word in found)
    if french == english:
        return None
    return "fr" if french > english else "en"


def sentences_of(paragraph: str) -> list[str]:
    """The sentences of a text, whose line breaks don't count. A point after "art", "Mme" or "R" ends none."""
    parts = _NEXT_SENTENCE.split(" ".join(paragraph.split()))
    sentences: list[str] = []
    for part in parts:
        if sentences and _ends_in_abbreviation(sentences[-1]):
            sentences[-1] += f" {part}"
        else:
            sentences.append(part)
    return [sentence for sentence in sentences if sentence]


def _ends_in_abbreviation(sentence: str) -> bool:
    last = re.search(r"([^\W\d_]+)\.$", sentence)
    return last is not None and (len(last[1]) == 1 or folded(last[1]) in ABBREVIATIONS)
