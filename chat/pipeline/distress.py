"""Detects distress in a message, by kind: emergencies, suicidal thoughts, violence, exhausted parents.

Some false alarms are accepted: a help line does no harm. The result is used only to show help lines. It is not counted,
logged or stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Literal, NamedTuple

from chat.pipeline import distress_classifier
from chat.pipeline.distress_classifier import Kind

Distress = Kind | Literal["grief", "violent_child", "unspecific"]
# What a notice may be about: a kind, or what else a message of that kind tells.
NoticeTopic = Distress | Literal["unreachable", "reminder", "hurt_child", "young"]


# A phrase of the list adds that much to a message's score: of a film, a law or a leaflet it is no sign. It is enough in
# a short message, which has no room for another meaning, and in a long one, of which the classifier sees parts.
PHRASE_WEIGHT = 1.0
SHORT_WORDS, LONG_WORDS = 12, 60
# Of a kind beside one that a phrase tells, except an emergency: the words of that phrase resemble others a little.
BESIDE_SCORE = 0.0


def detect(text: str) -> tuple[Distress, ...]:
    """The kinds of distress in a message, the likeliest first; empty for a calm message.

    Two where it is not certain which it is, so that the right help line is among those shown. A trained classifier
    recognises varied wordings, helped by a list of phrases; a message with one of these may be `unspecific`. Some
    phrases tell the kind themselves. Grief for a child is found by its words, where nobody is in danger.
    """
    found = assess(text)
    model = distress_classifier.model()
    is_recognised = found.score >= model.threshold
    if not is_recognised and not (found.has_phrase and not SHORT_WORDS < len(found.folded.split()) <= LONG_WORDS):
        return ("grief",) if _GRIEF.search(found.folded) else ()
    first, second, lead = found.by_classifier.likeliest_kinds()
    likely = (first,) if lead >= model.certain else (first, second)
    if found.told:
        is_heard = found.by_classifier.score >= model.threshold
        scores = dict(zip(distress_classifier.KINDS, found.by_classifier.scores, strict=True))
        beside = {kind for kind in likely if is_heard and (kind == "medical" or scores[kind] >= BESIDE_SCORE)}
        if found.told == "violent_child":
            # It would ask somebody who is hit what they did to the child.
            beside -= set() if _OWN_TEMPER.search(found.folded) else {"losing_control"}
            beside -= set() if _ADULT_HITS.search(found.folded) else {"couple", "child"}
        return tuple(kind for kind in _MOST_URGENT if kind in {found.told, *beside})
    return likely if is_recognised or len(likely) == 1 else ("unspecific",)


def tells_of_another_death(text: str) -> bool:
    """Whether somebody has died who isn't a child: a parent, a doctor, an animal."""
    folded = _folded(distress_classifier.without_accents(text))
    return bool(_ANOTHER_DIED.search(folded)) and not _GRIEF.search(folded)


def notice_topics(kinds: Sequence[Distress], text: str, *, has_young: bool = True) -> tuple[NoticeTopic, ...]:
    """What the notices for these kinds in this message are about: some have one of their own for what else it tells.

    An own wish to die is told of, whatever else the message is about. `has_young` says whether there is a notice for a
    child who writes.
    """
    if not kinds:
        return ()
    folded = _folded(distress_classifier.without_accents(text))
    if "suicide" not in kinds and (wish := _OWN_WISH.search(folded)) and not _is_quoted(wish, folded):
        kinds = ("medical", "suicide") if kinds[0] == "medical" else ("suicide", kinds[0])
    if has_young and _YOUNG.search(folded) and set(kinds) & _TOLD_TO_CHILDREN:
        kinds = [kind for kind in kinds if kind not in _TOLD_TO_CHILDREN]
        return (*kinds, "young")
    return tuple(chain.from_iterable(_refined(kind, folded) for kind in kinds))


def _refined(kind: Distress, folded: str) -> tuple[NoticeTopic, ...]:
    if kind == "suicide":
        return _suicide_topics(folded)
    if kind == "losing_control" and (_SHAKEN.search(folded) or (_STRUCK.search(folded) and _UNWELL.search(folded))):
        return ("hurt_child",)
    return (kind,)


def _suicide_topics(folded: str) -> tuple[NoticeTopic, ...]:
    """Of a message about suicide: whoever writes it, somebody who does not answer any more, or both, in this order.

    An own wish to die keeps its notice: it may be quoted, and then it comes second.
    """
    wish = _OWN_WISH.search(folded)
    is_quoted = wish is not None and _is_quoted(wish, folded)
    if not _is_unreachable(folded, _OFFICE if wish is None or is_quoted else _OFFICE_OR_PARTNER):
        return ("suicide",)
    if wish is None:
        return ("unreachable",)
    return ("unreachable", "suicide") if is_quoted else ("suicide", "unreachable")


def _is_unreachable(folded: str, others: re.Pattern[str]) -> bool:
    """Whether somebody does not answer any more; `others` just before mean that it is one of them."""
    return any(not others.search(_just_before(found, folded)) for found in _NO_ANSWER.finditer(folded))


def _is_quoted(wish: re.Match[str], folded: str) -> bool:
    return _QUOTING.search(_just_before(wish, folded)) is not None


def _just_before(found: re.Match[str], folded: str) -> str:
    return folded[max(0, found.start() - _NEAR) : found.start()]


class Assessment(NamedTuple):
    """What the classifier and the list of phrases find in a message; together they make its score."""

    folded: str
    by_classifier: distress_classifier.Finding
    has_phrase: bool
    told: Distress | None  # the kind, if the phrase tells it

    @property
    def score(self) -> float:
        return self.by_classifier.score + PHRASE_WEIGHT * self.has_phrase


def assess(text: str) -> Assessment:
    plain = distress_classifier.without_accents(text)
    folded = _folded(plain)
    told = next((kind for kind, phrase in _TELLING.items() if phrase.search(folded)), None)
    if _KILLED_WITH_ACCENT.search(text) and _KILLED_ON_PURPOSE.search(folded):
        told = "suicide"
    told = None if told and _LONG_AGO.search(folded) else told
    has_phrase = told is not None or _SIGNS.search(folded) is not None
    return Assessment(folded, distress_classifier.find(plain), has_phrase, told)


def _folded(plain: str) -> str:
    """`j'en peux   plus` → `j'en peux plus`."""
    return " ".join(plain.split())


_CHILD = (
    r"(?:fils|fille|enfant|bebe|garcon|fiston|puce"
    r"|petite?(?! (?:chat|chien|lapin|hamster|poisson|oiseau|[mp]ere|frere|soeur)))"
)
_PARTNER = r"(?:mari|femme|conjointe?|compagn(?:on|e)|copain|copine|ex(?:[ -](?:mari|femme|conjointe?|copain|copine))?)"
_PARTNER_EN = r"(?:husband|wife|partner|boyfriend|girlfriend|ex)"
_DETERMINER = r"(?:(?:l[ea]s?|une?|des|[ms](?:on|a|es)|notre|nos|cet?|cette|leurs?) |l')"
_OTHERS_EN = r"(?:grand|father|mother|dad|m[ou]m|aunt|uncle|teacher|doctor|carer|friend|dog|cat|hamster)"
# `le papa de ma fille est décédé`: the child must be the subject, and the words between only its age, name or the like.
_NOT_OF = r"(?<!de )(?<! a )(?<!avec )(?<!fils et )(?<!fille et )"
_MY_CHILD = (
    rf"\b(?:mon|ma|notre) (?:petite? )?{_CHILD}\b(?: de \d+ ?(?:ans?|mois|jours|semaines))?"
    r"(?:,? (?!(?:et|dont|qu[ei]?|d[eu]|ou|une?|l[ae]s?|[mst](?:on|a|es)|notre|pap[aiy]|mami[ey]?) |qu'|l')"
    r"[a-z'-]+){0,2},?"
)
_HIS = (
    r"(?:aeeh|aah|pch|cmi|allocations?|prestations?|droits|dossier|papiers|carte|compte|livret|affaires|fauteuil"
    r"|obseques|enterrement|sepulture|tombe|chambre)"
)
_NOT_IN_JEST = r"(?!-(?!nee?\b)| d[e'] ?(?:rire|peur|faim|soif|fatigue|froid|honte|trouille|jalousie|inquietude|ennui))"
_GRIEF = re.compile(
    rf"{_NOT_OF}{_MY_CHILD} (?:nous a quittes|vient de (?:mourir|deceder)"
    rf"|(?:est|etait) (?:(?:malheureusement|helas|bien) )?(?:decedee?\b|morte?\b{_NOT_IN_JEST}))"
    rf"|(?:\b{_HIS} de |{_NOT_OF}){_MY_CHILD} decedee?\b"
    rf"|\b(?:j'?ai|avons|on a) perdu (?:mon|ma|notre) (?:petite? )?{_CHILD}"
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
    rf"|hamster|poisson|oiseau|cheval|{_PARTNER})"
)
_OTHER_EN = (
    rf"(?:father|mother|dad|daddy|m[ou]m|mommy|mummy|grand[a-z]+|gran|nan|{_PARTNER_EN}|aunt|uncle|cousin|teacher"
    r"|doctor|therapist|carer|friend|neighbou?r|guardian|dog|cat|rabbit|hamster)"
)
# The subject just before the death is somebody else: not `la mère de Léo, qui est décédé`. The brother of a child may
# be an own child, too.
_ANOTHER_DIED = re.compile(
    rf"(?<!de )(?<! a )(?<!suis )(?<!dont )\b(?:{_DETERMINER}(?:petite? |vieux |vieille )?{_OTHER}"
    r"|(?<!l[ea] )(?<![ms]a )(?<![ms]on )(?:papa|maman|papy|mamie)|(?:mon|ma) (?:petite? |grande? )?(?:frere|soeur))\b"
    r"(?:(?: (?:d[eu]s?|a(?= [mns](?:on|a|es|otre) )) (?:[a-z]+ ){0,2}[a-z-]+| (?!et |qu[ei] |[a-z]+ai[st]\b)[a-z-]+)?"
    r"(?: de \d+ ans)?,?|,? (?:il|elle|qui)) "
    rf"(?:(?:est|etait|sont) (?:[a-z]+ )?(?:decede|mort)e?s?\b{_NOT_IN_JEST}|vien(?:t|nent) de (?:mourir|deceder)"
    r"|nous (?:a|ont) quittes)|\bveu(?:f|ve)\b"
    rf"|\b(?:{_OTHER_EN}|(?:my|our) (?:little |big )?(?:brother|sister))"
    r"(?:(?: of (?:my|our) [a-z]+)?(?: [a-z]+)?|,? who) (?:has |had |just ){0,2}(?:died|passed away)\b"
    r"|\bwidow(?:er|ed)?\b"
)

# A person's own age. `j'ai 10 ans d'expérience` and `I'm 7 months pregnant` are none.
_YOUNG = re.compile(
    r"\b(?:j' ?ai|jai|g|j ai|im|i'm|i am) (?:bientot |presque |que |only |just |nearly )?(?:[5-9]|1[0-7]) ?"
    r"(?:ans?\b(?! d[e'])|years?[ -]old|y/?o\b)|\b(?:im|i'm|i am) (?:only |just |nearly )?(?:[6-9]|1[0-7])"
    r"(?= ?(?:[.,](?!\d)|[;:!?)]|$)| (?:and|but|my|i|he|she|they)\b)"
)
_TOLD_TO_CHILDREN: frozenset[Distress] = frozenset({"bullying", "child", "couple", "exhaustion", "losing_control"})
_WHO = r"\b(?:il|elle|el|(?<!')(?<!j )y|et(?= ne (?:me |nous )?(?:repond|decroche)\b))"
_NO_ANSWER = re.compile(
    rf"{_WHO} (?:ne |me |nous |n'|m'){{0,2}}(?:repon[dt]s?|decroche)(?: ?(?:plus?|pus?)\b| pas (?:au tel|a mes|aux))"
    r"|\b(?:he|she|they)(?: has|'s|have)? (?:stopped answering|(?:won't|isn't|is not|doesn't|does not|not) "
    r"(?:answer|pick|reply)\w*)"
)
_NEAR = 25  # characters
_OFFICES = (
    r"caf|mdph|msa|cpam|ars|mairie|prefecture|tribunal|ecole|creche|college|lycee|ime|avocate?|juge|medecin|docteur|psy"
    r"|hopital|assistante?|educatrice|employeur|patron|ligne|numero|samu|pompiers|police|3114|11[2-9]|3919"
    r"|school|office|council|doctor|gp|lawyer|hospital|line|hotline"
)
_OFFICE = re.compile(rf"\b(?:{_OFFICES})\b")
_OFFICE_OR_PARTNER = re.compile(rf"\b(?:{_OFFICES}|{_PARTNER}|{_PARTNER_EN})\b")
_FURNITURE = (
    r"(?:petite? |grande? )?(?:table|lit|couette|couverture|plaid|drap|duvet|coussin|oreiller|chaise|bureau|pupitre"
    r"|canape|fauteuil|sofa|banc|meuble|armoire|buffet|commode|evier|lavabo|tapis|escalier|porte-?manteau|douche|pluie)"
)
_FALLING = (
    rf"(?:sous (?!{_DETERMINER}{_FURNITURE})|par (?!terre)|dans (?:le vide|la (?:seine|riviere))"
    r"|sur les rails|d(?:u|'un|'une|e la) (?:pont|toit|balcon|fenetre|falaise|\d|[a-z]+ etage))"
)
_FIGURATIVELY = r"a (?:mon|son|leur|lui|la tache|expliquer)|au (?:travail|boulot|volant)"
_BY_ACCIDENT = (
    r"(?:[a-z-]+ ){0,2}(?:dans (?:un|l[ae'] ?)(?: [a-z]+)? ?(?:accidents?|crash|avalanche|chute|incendie)|par accident"
    r"|accidentellement|en (?:voiture|moto|montagne|mer|avion|scooter|trottinette|velo|ski|parapente|escalade|tombant"
    r"|chutant|glissant|rentrant|allant)|a (?:velo|ski|moto|scooter|cheval)|sur (?:la route|l'autoroute))"
)
# What somebody does to himself, after `se` or `s'est`: each verb once, with the ends of its forms.
_TO_ONESELF = (
    r"(?:(?:tu{er}\b{not_of}|(?:flingu|suicid|immol|defenestr){er}\b)|pend{re}\b(?! au (?:cou|sein|tel))"
    rf"|fout{{re}} en l'air|jett?{{er}} {_FALLING}"
    r"|tir{er} (?:une balle(?! dans le pied)|dessus)|ouv{rir} les veines)"
)
_WILL = r"(?:ai[st]?|as?|ons|ont|aient)\b"
_KILL_ONESELF = rf"(?:buter\b|{_TO_ONESELF.format(er='er', re='re', rir='rir', not_of='')})"
_KILLED_ONESELF = _TO_ONESELF.format(
    er="ee?", re="ue?", rir="erte?", not_of=rf"(?! (?:{_FIGURATIVELY}|{_BY_ACCIDENT})\b)"
)
_WILL_KILL_ONESELF = _TO_ONESELF.format(
    er=f"er{_WILL}", re=f"r{_WILL}", rir=f"rir{_WILL}", not_of=rf"(?! (?:{_FIGURATIVELY})\b)"
)
# What the accent tells is lost when it is folded.
_KILLED_WITH_ACCENT = re.compile(r"\bs['’](?:est|(?:é|e\u0301?)tait)\s+tu(?:é|e\u0301)e?s?(?!\w)", re.IGNORECASE)
_KILLED_ON_PURPOSE = re.compile(rf"\bs'(?:est|etait) tuee?s?\b(?! (?:{_FIGURATIVELY}|{_BY_ACCIDENT})\b)")
# Without accents `il s'est tué` and `elle s'est tue` are alike: the subject is masculine, or a first name alone.
_HE = (
    r"(?:il|papa|(?:mon|notre|son|un|le|ce|cet) (?![a-z]{1,12}(?:te|ie|ee|ice|iere)\b)[a-z-]+"
    r"(?: (?:(?:de|a) [lms]a|(?!(?:[lms]a|elle|que|une|cette|et) |l')[a-z0-9-]+),?){0,3}"
    r"|(?<!')(?<![a-z0-9] )(?<![\w-])(?!elle )[a-z-]+),?"
)
_OWN_WISH = re.compile(
    r"\b(?:je |j' ?|j|g )(?:ne |n'|me |m')?"
    r"(?:veu[xt]?|voudrai[st]?|vai[st]?|va|aimerai[st]?|pense|prefere|songe|ai|envie)"
    r"(?: (?:a|juste|trop|tellement|plus|mieux|vraiment))?(?: ?envie)?(?: d(?:e |'))? ?"
    r"(?:en finir(?! avec (?!la vie|ma vie|cette vie))"
    rf"|mourr?ir|crever|disparaitre|(?:me|m') ?(?:{_KILL_ONESELF}|tue\b|jeter\b)"
    r"|(?:(?<=plus )|(?<=plus envie de ))(?:vivre|etre la|exister)|etre morte?\b|mettre fin)"
    rf"|\bje? ?m(?:e |'){_WILL_KILL_ONESELF}"
    r"|\bi(?:'m|'ll| am| will| just| really)? ?"
    r"(?:want to|wanna|going to|gonna|don'?t want to|wish i (?:was|were)) (?:just |really )?"
    r"(?:die|kill myself|end (?:it|my life)|be dead|dead|disappear|live|be here)\b"
)
_QUOTING = re.compile(
    r"\b(?:dit|ecrit|envoyee?|texte|poste|message|sms|mot|lettre|wrote|said|says|texted|sent|posted|text|note)"
    r"(?: (?:a|moi|que|qu'|to|me|us|that|saying)){0,2}[ :,.\"«“']*$"
)
_HOW = r"(?:(?:tres|trop|fort|bien|un peu|encore) ){0,2}"
_DID = rf"\b(?:j?' ?ai|jai|j?l'?ai|g|il a|elle a|avons|i|i've|we) (?:l'|le |la |lui )?{_HOW}"
_CHOKED = r"(?:etouffee?|brassee?|etranglee?)"
_CHILD_EN = r"(?:son|daughter|child|kid|baby|boy|girl)"
# A cry is choked and a head shaken, too: some verbs need the child beside them.
_SHAKEN = re.compile(
    rf"{_DID}(?:secouee?\b(?! la tete)|(?:shook|shaken)\b(?! (?:my|his|her|their) (?:head|hand)))"
    rf"|\bj?l'? ?ai {_HOW}{_CHOKED}\b"
    rf"|{_DID}{_CHOKED} (?:(?:mon|ma|notre|le|la) (?:petite? )?)?(?:{_CHILD}|p'tite?)\b"
    rf"|{_DID}(?:choked|strangled|smothered) (?:him|her|them|(?:my|our|the) (?:little |baby )?{_CHILD_EN})\b"
)
_HARM = r"(?:frapper|taper|secouer|gifler|cogner|etrangler|etouffer|tuer|blesser|(?:faire|fasse) (?:du |un )?mal)"
# What a parent tells of the own hands or temper.
_OWN_TEMPER = re.compile(
    rf"{_SHAKEN.pattern}|{_DID}(?:frappe|gifle|cogne|tape|battu|pousse|hit|slapped|pushed)"
    rf"|\b(?:failli|envie de|peur de|vais|finir par|pourrais|risque de|capable de|voudrais|pas) (?:[a-z']+ )?{_HARM}\b"
    r"|\bje (?:le |la |les |lui |leur )?(?:hurle|crie|frappe|tape|secoue|gifle|cogne|rends)\b|\bpeur de moi\b"
    r"|\b(?:perds?|perdre|perdu) (?:le controle|patience|mon (?:calme|sang-froid))|\bcontroler|\bme controle\b"
    r"|\b(?:hurt|hit|shake|slap) (?:him|her|them)\b|\blos(?:e|ing) control\b"
)
_STRUCK = re.compile(
    rf"{_DID}(?:frappee?|giflee?|cognee?|tapee?|battue?|poussee?|jetee?|lachee?|{_CHOKED}"
    r"|hit|slapped|pushed|threw|dropped|beat|smothered|choked|strangled)\b"
)
_UNWELL = re.compile(
    r"\b(?:mou|molle|amorphe|endormie?|somnolente?|inconsciente?|evanouie?|vomit?|saigne|(?:bouge|reagit|respire) "
    r"(?:plus?|pas|mal)|limp|floppy|drowsy|unconscious|bleeding|vomiting|vomited|not (?:moving|breathing))\b"
)

# Only people: the same verbs are harmless with a letter, a record or a door.
_SOMEBODY = (
    r"(?:quelqu'un|papa|maman|(?:(?:mon|ma|mes|notre|nos|son|sa|ses|un|une|le|la|les|ce|cet|cette|ces) |l')"
    r"(?:propres? |petite?s? )?(?:fils|filles?|enfants?|bebes?|gosses?|gamine?s?|momes?|ados?"
    r"|jumeaux?|jumelles?|freres?|soeurs?|parents?"
    rf"|{_PARTNER}|mere|pere|petite?s?(?=$|[ .,;:!?]*$)))\b"
)
_SOMEBODY_EN = (
    r"(?:him|her(?! feelings)|them"
    r"|(?:my|our) (?:own )?(?:kids?|child(?:ren)?|sons?|daughters?|baby|boy|girl|wife|husband))\b"
)
# All spellings that sound the same: `le tuer` is also typed `le tué`.
_TO_HARM = (
    r"(?:(?:tu|frapp?|tap|secou|jet|etouff|etrangl|cogn|noy|bless|brul|gifl|tabass|poignard)(?:er|e|ez)\b"
    r"|battre\b(?! (?:a|au|aux) ))"
)
_ABOUT_TO = (
    r"j?(?:envi(?:es?)?|peur|failli|vai[st]?|vas?|allais|pourrais|veu[xt]?|voudrai[st]?|aimerai[st]?"
    r"|capable|essa(?:ie|ye)|menace|finir)"
    r"(?: d[e']| a| par)? ?(?:vraiment |tous |toutes )?"
)
_HARMED = r"(?:secoue|frapp?e(?! a )|gifle|cogne|etrangle|tabasse)"
_MEDICINES = r"(?:medicaments?|medocs?|cachets?|comprimes?|pilules?|javel|lessive|piles?|aimants?)\b"
_SWALLOWED = (
    r"(?:une? |des |son |sa )(?:petite?s? )?"
    r"(?:pieces?(?! (?:de puzzle|de theatre))|billes?|bouchons?|clous?|vis|epingles?|aiguilles?|perles?)\b"
    r"(?!.{0,20} (?:en (?:19|20)\d\d|il y a \w{1,12} ans|quand ))"
)
_TO_HARM_EN = r"(?:kill|hurt|hitt?|slapp?|beat|smother|drown|strangl|chok|shak|stabb?)(?:e|ing)?"
_ABOUT_TO_EN = (
    r"(?:wants? to|wanna|gonna|(?<!it )going to|(?:i|he|she)(?:'ll| will| might| could| may)|afraid of|scared of"
    r"|feel like|threaten(?:s|ed) to|urge to|tr(?:ies|ied) to) (?:really |just )?"
)

# These also match inside words that are typed without spaces: `jveuxmourir`.
_ANYWHERE = (
    r"(?:veu[xt]?|voudrai[st]|voulait|aimerai[st]|envie? de|envie? d'|pense[rs]? a|parle de|prefere(?:rai[st])?)"
    r" ?(?:mieux |bien |vraiment )?"
    r"(?:en finir(?! avec)|mourr?ir|crever|disparaitre|etre morte?\b|(?:ne )?plus (?:etre la|exister))"
    r"|(?<!droits )(?<!droits ont )(?<!secret a )(?<!medical a )(?:\b(?:ete|fait|suis)|[lmt]'(?:a|ont)) violee?[rs]?\b"
)
_WEAPON = (
    r"(?:un|une|son|sa|le|la) (?:gros |grand )?(?:couteau|fusil|flingue|pistolet|revolver|machette|hache|arme)\b"
    r"(?! (?:a (?:beurre|bouts?|pain|eau|bulles|colle)|adapte|ergonomique|en (?:plastique|bois|mousse)|jouet|pour|qui"
    r"|secrete|absolue|factice))"
)
# Old enough to be dangerous. Children of that age are named with it, or with one word.
_OLDER_CHILD = r"(?:fils|fille|enfant|garcon|fiston|ado(?:lescente?)?|gamine?|ainee?|cadet(?:te)?|grande?)"
_OLD = r"(?:,? de (?:[5-9]|[1-4]\d) ?ans?)?(?: (?!et |dont |que? |n[e'])[a-z]{2,14})?"
_ADULT = rf"(?:{_PARTNER}|pere|papa|mere|maman|beau-pere|belle-mere)"
_ATTACKER = rf"(?:il|elle|(?:{_ADULT}|frere|homme|voisin|{_OLDER_CHILD}){_OLD})"
_ATTACKER_EN = rf"(?:he|she|father|{_PARTNER_EN})"
# With a person as object: one knocks at a door, beats the drum and threatens to stop a benefit, too.
_HITS = (
    r"(?:(?:frappe|tabasse|viole|etrangle|cogne|agresse|bat(?! (?:des|a|au|aux)\b))\b"
    r"|tape\b(?! (?:sur l|dans l|a l|la |un|des ))"
    r"|menace\b(?! (?:de |d')(?!me |m'|nous |mort|tuer|frapper|kidnapper|se |s')))"
)
_HITS_SOMEBODY = (
    rf"(?:(?:frappe|bat|tabasse|viole|etrangle|cogne|menace) {_SOMEBODY}(?! (?:a|au|aux) )"
    r"|frappe tout le monde\b(?! (?:a|au|aux) )"
    rf"|(?:a|avait|tient|sort|(?:a|vient de) (?:pris|sorti|attrape|prendre|sortir)) {_WEAPON})"
)
_HAS_HIT = r"a (?:encore |deja )?(?:frappe|tape|battu|cogne|etrangle|menace|agresse|gifle)e?s?\b(?! (?:dans l|a l|un))"
# In a few words without an object: `mon mari frappe`. `il frappe à la porte` has one.
_HITS_AT_ALL = (
    rf"(?:tape {_SOMEBODY}|(?:frappe|tape dessus)"
    r"(?=[ .,;:!?]*$|[.,;:!?] | (?:tou[ts]|souvent|encore|beaucoup|chaque|depuis|quand|et|fort|maintenant"
    r"|la nuit|le soir)\b)"
    r"|menace(?=[ .,;:!?]*$| de (?:mort|kidnapper|tuer|frapper)\b))"
)
_ADULT_HITS = re.compile(
    rf"\b{_ADULT}(?: (?:d[eu] (?:[a-z]+ )?)?[a-z-]{{2,14}})? (?:{_HITS_SOMEBODY}|{_HITS_AT_ALL}|aussi\b"
    rf"|(?:me|nous|m'|l[ea]s?|lui) ?{_HITS}|(?:m'|l'|les |nous ){_HAS_HIT})"
)
_NOT_A_GAME_EN = r"(?! at (?:chess|cards|checkers|football|tennis|uno|monopoly|scrabble|(?:video |board )?games?)\b)"
_HITS_EN = (
    r"(?:hits?|beats?|punche[sd]|kick(?:s|ed)|attack(?:s|ed)|threaten(?:s|ed)|chok(?:es|ed)|strangl(?:es|ed))"
    r" (?:me|us|(?:his|her|their) (?:[a-z]{1,12} )?(?:sister|brother|siblings?|m[ou]m|dad))\b"
    rf"{_NOT_A_GAME_EN}"
)
_MY_OLDER_CHILD = rf"(?:mon|ma|notre) {_OLDER_CHILD}{_OLD}"
_MY_OLDER_CHILD_EN = (
    r"(?:my|our) (?:(?:[5-9]|[1-4]\d)[ -](?:years?[ -]old|yo) )?(?:[a-z]{3,12} )?"
    r"(?:son|daughter|kid|child|teen(?:ager)?)"
)
# By theme: suicide, self-harm, harm to a child, exhaustion, violence; then the same in English.
# All repetitions are bounded, so that the time is linear in the length of the message. A single `\b` precedes the
# group: with one in each of the sixty alternatives, a question took 38 µs instead of 10.
_SIGNS = re.compile(
    rf"{_ANYWHERE}|\b(?:"
    r"suicid|mettre fin a (?:mes|ses|nos) jours|(?:idees|pensees) noires|mieux sans moi|a quoi bon vivre"
    r"|(?<!hate )(?<!temps )(?<!presse )(?<!pressee )d'en finir(?! avec)"
    r"|en finir avec (?:la vie|ma vie|cette vie|tout(?= ca|[ .,!?]*$))"
    r"|(?:envie|force|gout) de vivre\b|plus vivre"
    rf"|(?:me|m'|se|s'|nous) ?{_KILL_ONESELF}"
    r"|(?:ouvert?|ouvrir|ouvre|taille[rz]?|coupe[rz]?) (?:les|mes|ses) veines|taillad"
    r"|(?:vais|peur de|envie de) faire une connerie"
    rf"|(?:(?:ai|a|as|ont|avait|g) ?avalee?|vient d'avaler) (?:.{{0,30}}\b{_MEDICINES}|{_SWALLOWED})"
    r"|s'est electrocutee?\b|en pleine crise (?:d'epilepsie|convulsive)"
    r"|(?:fait|a) une (?:grosse )?crise (?:d'epilepsie )?(?:la\b|maintenant|en ce moment|depuis [a-z0-9]{1,12} min)"
    rf"|pris (?:trop de {_MEDICINES}|toute (?:la|sa|ma) boite)"
    r"|(?:me|m'|se|s'|lui|leur|nous) ?fai(?:re|s|t) (?:du )?mal|scarifi|se mutil"
    rf"|(?:faire?|fais|fait|fer) du mal a {_SOMEBODY}|(?:peur|envie) de faire mal a {_SOMEBODY}"
    rf"|{_ABOUT_TO}(?:(?:(?:le|la|les|te) ?|[lt]'){_TO_HARM}|{_TO_HARM} {_SOMEBODY}|(?:me|m'|se) ?tuez?\b)"
    r"|tuer? (?:mon|ma|mes|notre|nos) (?:fils|filles?|enfants?|bebes?)\b"
    rf"|(?:j'?ai|g|je viens de) ?(?:l'|le |la )?{_HARMED}|(?:j'?ai|g) ?(?:juste )?(?:taper?|battu) {_SOMEBODY}"
    r"|(?:je? ?(?:les |l' ?|l )ai|(?<!qui )(?:(?:les|nous) |[lm]')(?:a|ont)) (?:vraiment |encore |deja )?"
    rf"(?:{_HARMED}|battue?s?\b|tapee?s?\b(?! (?:a|sur|au|dans) ))"
    rf"|je (?:frappe|tape|secoue|gifle|cogne|bats) {_SOMEBODY}"
    r"|je (?:le|la|les) (?:frappe|secoue|gifle|cogne|bats)\b"
    r"|j?n?'?en peu[xt]? (?:vraiment |juste )?(?:plus|pu|pa|pas)\b"
    r"|(?:je|j)(?: ne)? tien[st]? (?:vraiment )?plus(?: le coup)?(?:$|[.!?,])"
    rf"|{_SOMEBODY} (?:a|ont|est) (?:disparue?s?|fugue|introuvables?)\b"
    r"(?! (?:d(?:es?|u)|dans) (?:l[ae'] ?|les |vos )?(?:effectifs?|listes?|logiciel|fichiers?|dossier|registres?"
    r"|site (?:internet|web|de la (?:mdph|caf))))"
    r"|au bout du rouleau|je (?:vais )?craquer?\b|je suis a bout\b"
    rf"|{_ATTACKER} (?:(?:me|nous|m'|le|la|les|lui) ?{_HITS}|{_HITS_SOMEBODY})|{_ADULT} {_HITS_AT_ALL}"
    r"|(?:ete|(?<!c')(?<!c )est|suis|etait|fait) abusee?s?\b|abusee?r? (?:sexuellement|de (?:moi|lui)\b|d'elle\b)"
    rf"|abusee?r? (?:de |d'){_SOMEBODY}|abus sexuels?|agressee?s? sexuellement|inceste|viols?\b"
    r"|(?:attouchements?|agressions? sexuelles?|violences? (?:conjugales?|sexuelles?)|maltraite\w*)\b"
    r"|(?:kill|hurt|harm|cutt?)(?:ing)? (?:myself|himself|herself|themselves|my (?:child|son|daughter|baby))"
    rf"|{_ABOUT_TO_EN}{_TO_HARM_EN} {_SOMEBODY_EN}"
    rf"|i(?:'ve| have)? (?:just |almost |nearly )?(?:shook|shaken|hit|slapped|beat|choked|hurt) {_SOMEBODY_EN}"
    rf"|{_ATTACKER_EN} (?:will|might|wants to|threatened to|tried to) "
    r"(?:kill|hurt|hit|beat|stab) (?:me|us)\b"
    r"|(?:wants?|wanted|going) to (?:die|end it)|end my life|wish i (?:was|were) dead|better off without me"
    r"|(?:don'?t|not|no longer|doesn'?t) want to (?:live|be here)|self.?harm"
    r"|(?:was|been|being|got) (?:sexually )?(?:abused|molested|raped)\b|sexually (?:abused|assaulted)|raped\b"
    r"|(?:cut|slit|slashed) (?:my|his|her) wrists?\b|overdosed\b"
    r"|(?:has|have|had|he|she|i|just|kid|son|daughter|child|baby)"
    r" swallowed .{0,30}\b(?:pills?|tablets?|bleach|batter(?:y|ies)|magnets?|detergent|coins?|marbles?)\b"
    r"|can'?t (?:take|cope with|do) (?:it|this) any ?more|can'?t go on\b|at (?:the end of my rope|breaking point)"
    rf"|{_ATTACKER_EN} (?:hits|beats|rapes|threatens|hurts|abuses) (?:me|us|him|her|my)\b{_NOT_A_GAME_EN}"
    r")"
)

# Phrases that tell the kind themselves: where the classifier knows few such words, or takes them for another kind.
# Except of what is past.
_LONG_AGO = re.compile(
    r"\b(?:quand (?:j'|il |elle )(?:avais|avait|etais|etait)|antecedents?|years ago"
    r"|(?<!depuis )(?<!ne en )(?<!nee en )(?:19[5-9]|20[01])\d\b|(?:il y a|ca fait) [a-z0-9 ]{1,12} ans\b(?! qu))"
)
_TELLING: Mapping[Distress, re.Pattern[str]] = {
    "suicide": re.compile(
        rf"\b(?:(?:{_HE} |(?!s'(?:est|etait) tue\b))(?:s'|me |nous )(?:est|suis|sommes|etait) {_KILLED_ONESELF}"
        rf"|(?:je? ?m|s)(?:e |'){_WILL_KILL_ONESELF}"
        rf"|(?:vien[st] de|voulu|(?:essaye|tente) de) (?:se|s'|me) ?{_KILL_ONESELF}"
        r"|(?<!avait )(?:re)?fait (?:une|deux|plusieurs|sa) (?:autre |nouvelle |\w{1,12}ieme )?"
        r"(?:ts\b(?! (?:de |d')(?:maths?|francais|anglais|histoire|physique|svt|sport))"
        r"|tentatives?(?: de suicide\b| d'en finir\b| (?:hier|avant-hier|cette nuit|ce matin)\b|(?=[ .,;!?]*$)))"
        r"|(?:hanged|hung|shot|killed) (?:him|her|my)self\b|took (?:his|her) own life\b"
        r"|(?:vois|voit|voyons) (?:vraiment |meme )?(?:plus|pas|aucune) (?:d')?issue\b"
        r"(?! (?:a|pour|dans) (?:ce|cette|mon|ma|notre|le|la) (?:dossier|recours|demande|procedure|litige)\b)"
        r"|(?:suis|est|sommes) au bord du gouffre\b(?! financier)"
        r"|a quoi (?:bon|(?:ca )?sert de) continuer(?=[ .,!?]*$| a (?:vivre|me b)))"
    ),
    "violent_child": re.compile(
        rf"\b(?:{_NOT_OF}{_MY_OLDER_CHILD},? (?:(?:il|elle|qui) )?(?:me [a-z]{{3,8}}(?:,| et) )?"
        rf"(?:(?:me|nous|m') ?{_HITS}|{_HITS_SOMEBODY}"
        rf"|(?:m'|nous ){_HAS_HIT}"
        rf"|(?:a )?(?:essaye|essaie|tente|voulu|failli|veut|menace)(?: d[e'])? ?(?:me |m'|nous ){_TO_HARM}"
        rf"|(?:est|devient) (?:tres |trop |devenue? )?violente? (?:avec|envers|contre) (?:moi|nous|{_SOMEBODY}))"
        r"|(?:j'?ai|avons|on a|fait) (?:tres |trop |si )?peur de "
        rf"{_MY_OLDER_CHILD}(?=[ .,;!?]*$|,? (?:il|elle|quand)\b)"
        rf"|(?<!of ){_MY_OLDER_CHILD_EN} {_HITS_EN}"
        rf"|(?:afraid|scared|frightened) of {_MY_OLDER_CHILD_EN}(?=[ .,;!?]*$))"
    ),
}
# A kind that a phrase tells and those beside it stand in this order.
_MOST_URGENT: Sequence[Distress] = (
    "medical",
    "suicide",
    "missing",
    "child",
    "couple",
    "losing_control",
    "violent_child",
    "no_roof",
    "bullying",
    "exhaustion",
)
