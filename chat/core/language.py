"""The language of a text: French or English."""

from __future__ import annotations

import re
from typing import Literal

from chat.core import unicode_text

Language = Literal["fr", "en"]


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
