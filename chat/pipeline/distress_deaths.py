"""Whether a message tells of a child's death, or of somebody else's: found by the subject, in folded text."""

from __future__ import annotations

import re

from chat.pipeline.distress_people import CHILD, DETERMINER, NOT_OF, PARTNER, PARTNER_EN


def is_of_a_child(folded: str) -> bool:
    return _CHILD_DIED.search(folded) is not None


def is_of_another(folded: str) -> bool:
    """A parent, a doctor, an animal."""
    return _ANOTHER_DIED.search(folded) is not None and not is_of_a_child(folded)


_MY_CHILD = (
    rf"\b(?:mon|ma|notre) (?:petite? )?{CHILD}\b(?: de \d+ ?(?:ans?|mois|jours|semaines))?"
    r"(?:,? (?!(?:et|dont|qu[ei]?|d[eu]|ou|une?|l[ae]s?|[mst](?:on|a|es)|notre|pap[aiy]|mami[ey]?) |qu'|l')"
    r"[a-z'-]+){0,2},?"
)
_HIS = (
    r"(?:aeeh|aah|pch|cmi|allocations?|prestations?|droits|dossier|papiers|carte|compte|livret|affaires|fauteuil"
    r"|obseques|enterrement|sepulture|tombe|chambre)"
)
_NOT_IN_JEST = r"(?!-(?!nee?\b)| d[e'] ?(?:rire|peur|faim|soif|fatigue|froid|honte|trouille|jalousie|inquietude|ennui))"
_OTHERS_EN = r"(?:grand|father|mother|dad|m[ou]m|aunt|uncle|teacher|doctor|carer|friend|dog|cat|hamster)"
_CHILD_DIED = re.compile(
    rf"{NOT_OF}{_MY_CHILD} (?:nous a quittes|vient de (?:mourir|deceder)"
    rf"|(?:est|etait) (?:(?:malheureusement|helas|bien) )?(?:decedee?\b|morte?\b{_NOT_IN_JEST}))"
    rf"|(?:\b{_HIS} de |{NOT_OF}){_MY_CHILD} decedee?\b"
    rf"|\b(?:j'?ai|avons|on a) perdu (?:mon|ma|notre) (?:petite? )?{CHILD}"
    r"(?=[ .,;:!?]*$| (?:en (?:20|janv|fev|mars|avril|mai|jui|aout|sept|oct|nov|dec)|l'an dernier|cette annee"
    r"|a la naissance|il y a (?:(?:\d+|une?|deux|trois|quelques) )?(?:ans?|annees?|mois|semaines?)\b))"
    r"|(?<!of )\b(?:my|our) (?:little |baby )?(?:son|daughter|child|baby|boy|girl)"
    rf"(?: (?!nearly|almost|and|{_OTHERS_EN})[a-z-]+)?"
    r" (?:has )?(?:just )?(?:died\b(?! (?:laughing|of (?:shame|laughter|embarrassment)))|passed away)"
)
_OTHER = (
    r"(?:pere|mere|papa|maman|papi|papy|mamie?|mamy|beau-pere|belle-mere|grand-?(?:pere|mere|maman|papa)|parents?|oncle"
    r"|tante|cousine?|parrain|marraine|nounou|ami|amie|voisine?|medecin|docteur|pediatre|psychologue|psychiatre|kine"
    r"|orthophoniste|ergotherapeute|psychomotricienne?|infirmiere?|educat(?:eur|rice)|aesh|avs|maitre(?:sse)?|instit"
    r"|professeure?|prof|enseignante?|direct(?:eur|rice)|tut(?:eur|rice)|avocate?|chien(?:ne)?|chat(?:te)?|lapin"
    rf"|hamster|poisson|oiseau|cheval|{PARTNER})"
)
_OTHER_EN = (
    rf"(?:father|mother|dad|daddy|m[ou]m|mommy|mummy|grand[a-z]+|gran|nan|{PARTNER_EN}|aunt|uncle|cousin|teacher"
    r"|doctor|therapist|carer|friend|neighbou?r|guardian|dog|cat|rabbit|hamster)"
)
# The subject just before the death is somebody else: not `la mère de Léo, qui est décédé`. The brother of a child may
# be an own child, too.
_ANOTHER_DIED = re.compile(
    rf"(?<!de )(?<! a )(?<!suis )(?<!dont )\b(?:{DETERMINER}(?:petite? |vieux |vieille )?{_OTHER}"
    r"|(?<!l[ea] )(?<![ms]a )(?<![ms]on )(?:papa|maman|papy|mamie)|(?:mon|ma) (?:petite? |grande? )?(?:frere|soeur))\b"
    r"(?:(?: (?:d[eu]s?|a(?= [mns](?:on|a|es|otre) )) (?:[a-z]+ ){0,2}[a-z-]+| (?!et |qu[ei] |[a-z]+ai[st]\b)[a-z-]+)?"
    r"(?: de \d+ ans)?,?|,? (?:il|elle|qui)) "
    rf"(?:(?:est|etait|sont) (?:[a-z]+ )?(?:decede|mort)e?s?\b{_NOT_IN_JEST}|vien(?:t|nent) de (?:mourir|deceder)"
    r"|nous (?:a|ont) quittes)|\bveu(?:f|ve)\b"
    rf"|\b(?:{_OTHER_EN}|(?:my|our) (?:little |big )?(?:brother|sister))"
    r"(?:(?: of (?:my|our) [a-z]+)?(?: [a-z]+)?|,? who) (?:has |had |just ){0,2}(?:died|passed away)\b"
    r"|\bwidow(?:er|ed)?\b"
)
