"""Tells what a day in a letter is, by the words around it: a deadline, an appointment, an end of rights…"""

from __future__ import annotations

import re

from chat.documents.extraction.days.actors import is_by_an_office, pattern
from chat.documents.extraction.days.sentences import SENTENCE_END
from chat.documents.extraction.months import MONTH, WEEKDAY
from chat.documents.facts import DateKind

# Cues for the kind of a date. The nearest cue before it counts, else the first one after it.
KIND_CUES = pattern(
    rf"""
    (?P<until>
        \b(?:avant|before)\b | jusqu['’ ]?(?:au?|en)\b | d['’]ici\s | \buntil\b
      | \b(?:pour|pr)\s{{1,2}}(?:le\s{{0,2}}(?:{WEEKDAY}\s{{1,2}})?|{WEEKDAY}\s)?\Z
      | \bby\s(?:\d{{1,2}}\s?[ap]m\s(?:on\s)?|noon\s(?:on\s)?)?(?:the\s|next\s|this\s)?(?:{WEEKDAY}\s)?\Z
      | (?<!\best\s)(?<!\bsuis\s)(?<!\ba\s)\bpassé\sle\s\Z | \bau-delà\sdu\s\Z | \bpas\saprès\sle\s\Z
      | \bdu\s(?:{WEEKDAY}\s)?(?:\d|premier).{{0,40}}\bau\s{{0,2}}(?:{WEEKDAY}\s)?\Z
      | (?:arrivée?s?|reçue?s?|acceptée?s?|parvenue?s?|déposée?s?|transmise?s?)\s(?:[^.]{{0,20}}\s)?après\sle\s\Z
      | \bentre\sle\b.{{2,40}}\bet\sle\s(?:{WEEKDAY}\s)?\Z
    )
  | (?P<deadline>
        au\splus\stard | (?:date|jour)\slimite
      | dernier\s(?:délai|jour(?=\s(?:pour|de\sdépôt|d['’]\s?inscription|utile)))
      | retourner | renvoyer | transmettre | parvenir
      | \bà\s(?:rendre|remettre|déposer|régler|payer|fournir|envoyer|rapporter|ramener|apporter|compléter|signer
          |adresser|produire|communiquer|déclarer|demander|faire\s(?:passer|parvenir|suivre|signer))\b
      | \bà\s(?:me|nous|lui|leur)\s(?:faire\s)?\w{{3,14}}(?:er|ir|re)\b
      | \bbutoir\b | \bforclusion\b | \bexigible | \bimpérati(?:ve|f)(?!\w) | \bultime\b | dernière\s(?:date|limite)
      | (?:défaut|faute)\sde\s(?:réponse|retour|nouvelles|confirmation|paiement|règlement)\s(?:au|d'ici|avant)\b
      | \bsans\s(?:réponse|nouvelles?|retour)\sde\s(?:votre\spart|vous)\b
      | \bclôture\b | \bclos(?:es?)?\b | \bclôturée?s?\b | \bminuit\b | 23\s?h\s?59 | \bsans\sfaute\b | dernier\scarat
      | (?:réponse|retour|confirmation|inscription)s?\s(?:souhaitée?s?|attendue?s?|demandée?s?)
      | (?:clôture|fermeture|fin)\s(?:des|de\sla|de\sl')\s?(?:inscriptions?|candidatures?|dépôts?|campagne)
      | confirmer | échéance(?!\sde\s(?:vos|ses|leurs)\sdroits) | no\slater\sthan | deadline | \bdue\b
    )
  | (?P<end>
        (?:arriv|vien|vin|parvien)\w{{0,5}}\sà\séchéance | \béchoi | \b(?:ends?|stops?|lapses?)\son\b
      | expire | pren(?:d|nent|dra)\sfin | fin\sde(?:s|\s(?:vos|ses|leurs))?\s(?:droits|notification)
      | s['’](?:achève|arrête) | à\s(?:son\s)?terme\sle\b
      | se\stermine | échéance\sde\s(?:vos|ses|leurs)\sdroits
    )
  | (?P<appointment>
        rendez-?\s?vous | \brdv\b | convoqu | convi(?:e|ons|er)\b | entretien | réunion | audience | se\stiendra
      | aura\slieu | recevra | consultation | visite | sortie | \bséances?\b(?=.{{0,20}}prévue)
      | (?:à|,|at|-|–)\s\d{{1,2}}\s?(?:h|[ap]m\b)
      | \bentre\s\d{{1,2}}\s?(?:h|heures)?\d{{0,2}}\set\s\d{{1,2}}\s?h
      | est\smaintenu | appointment | \bmeeting\b(?!\sof)
      | \b(?:review|hearing|assessment)\s(?:is|will\sbe)\b | rencontre\b
    )
  | (?P<decision>
        décision | décid | notifi | en\s(?:sa\s)?séance | séance\sdu | se\sprononce
      | \bavis\b | accord | refus | reje[tc]
      | (?:sans|absence\sde)\sréponse(?:\sde\snotre\spart)?\sau\b(?!\splus)
    )
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
# Of `jusqu'au` and the like: a duty of the reader until then, or a benefit until then.
TO_DO = pattern(
    r"\bvous\s(?:avez|aurez|pouvez|pourrez|devez|disposez)\b|\bdélai"
    r"|\bvous\sreste|\bpour\s(?:nous\s|vous\s)?\w{3,14}(?:er|ir|re)\b|\bvous\sappartient|\bà\svous\sde\b|actualis|conservée?s?\b|retir|savoir\b|\byou\s(?:have|can|may|must)|\bto\s(?:send|return|reply|respond|appeal|apply)|\bmerci\b|veuillez"
    r"|demandes?\sà\s|\bà\s(?:faire|demander)\b|inscri|répon|envoy|retourn|transm|adress|dépos"
    r"|\bouverte?s?\sdu\b|recevable|contest|recours|possible|observations|\bpay|\brégl|corrig|avant\scette\sdate|\bmodifi",
    re.IGNORECASE,
)
RIGHTS = pattern(
    r"\bdroits?\b|accord|attribu|alloc|allou|\b(?:AEEH|AAH|PCH|AESH|CMI|ESAT|IME|SESSAD|cartes?)\b|orientation|notifi"
    r"|prise\sen\scharge|\bversé|valable|valid|\bvaut\b|agrément|admission|rembours|renouvel|acceptée?"
    r"|forfait|\breste\b|solde|plafond|garanti|abonnement|contrat|convention|horaires?\b|bénéfici|prolong|suspend|maint(?:en|ien)|continu|fonctionn|en\splace|effectif|prêt(?:ée?s?)?\b",
    re.IGNORECASE,
)
# What ends, is the time to act: `la campagne s'achève le |20 mars|`.
TIME_TO_ACT = pattern(r"délai|campagne|inscription|candidature|\bdépôts?\b|préinscription", re.IGNORECASE)
QUOTE = pattern(r"\b(?:devis|offre|proposition|prix|tarifs?|quote|quotation|estimate|offer|option)\b", re.IGNORECASE)
VALID = pattern(r"valab|valid|\bopen\b|garanti|maintenu|\bvaut\b|ferme", re.IGNORECASE)
RIGHT_IS_OPEN = pattern(r"\bdroits?\s(?:est|sont|reste|restent)\b|\bcourent\b", re.IGNORECASE)
CLOSED = pattern(
    r"fermé|\ben\sarrêt\b|\bmalade\b|en\smaladie|indisponible|congés?\b|vacances|absent|closed", re.IGNORECASE
)
BIRTH = pattern(
    r"(?:\bné(?:\(?e\)?)?s?\s{0,2}(?:le|:)|\bné\(e\)\s?:|\bnaissance\b.{0,12}|\bborn(?:\son)?|\bDOB)\s{0,2}:?\s{0,2}\Z",
    re.IGNORECASE | re.DOTALL,
)
# The start of a period: `à compter du |1er mai`, `du |1er mai| au 30 juin`, `prend effet le |1er mai`.
PERIOD_START = pattern(
    rf"""
    (?P<explicit>\b(?:compter|partir)\s{{1,2}}du
      | \b(?:effet|débuté?(?:nt|ra|ront)?|commencée?(?:nt|ra|ront)?|ouvr\w{{1,5}}|démarre\w{{0,4}}|dès|depuis)
        \s{{1,2}}le )
    \s{{0,2}}(?:{WEEKDAY}\s{{1,2}})?\Z
  | \bdu\s{{0,2}}(?:{WEEKDAY}\s{{1,2}})?\Z
    """,
    re.IGNORECASE | re.VERBOSE,
)
PERIOD_END_FOLLOWS = pattern(r"\s{1,3}(?:au|et\sjusqu)\b", re.IGNORECASE)
PAST_PERIOD = pattern(r"\bpériode\s(?:allant\s)?du\b.{4,40}\bau\s{0,2}\Z", re.IGNORECASE | re.DOTALL)
# `quinze jours avant l'échéance du |30 juin|`: the duty ends earlier.
COUNTED_BACK = pattern(
    r"(?:\b(?:jours?|mois|semaines?|heures?|days?|weeks?|months?|hours?)|\d\s?h)\s(?:au\s(?:moins|plus\stard)\s)?(?:avant|before)\s(?P<what>[^,;]{0,60}(?:,\s(?:soit\s)?le\s)?)\Z",
    re.IGNORECASE,
)
# `le rendez-vous du 24 est déplacé au |31|`.
MOVED = pattern(
    rf"\b(?:déplacé|reporté|repoussé|avancé|décalé|reprogrammé|remis|report)e?s?\sau\s(?:{WEEKDAY}\s)?\Z", re.IGNORECASE
)
# `Un retour m'est promis pour le |5 juin|`.
PLANNED = pattern(
    rf"\b(?:promis|prévu|annoncé|programmé|envisagé|planifié|espéré|reporté|repoussé|avancé|décalé)e?s?\s(?:au|pour|avant|d'ici)\s(?:le\s)?(?:{WEEKDAY}\s)?\Z",
    re.IGNORECASE,
)
END = pattern(r"\b(?:fin|terme|échéance|expiration|end|expiry)\b", re.IGNORECASE)
LOAN = pattern(r"\bmensualités?\b|\bTAEG\b|\bmontant\semprunté", re.IGNORECASE)
ANOTHER_DAY = re.compile(rf"\d\s{{0,2}}(?:{MONTH}|/\d)[^,;]{{0,40}}[,;]", re.IGNORECASE)
ENDS_SENTENCE = re.compile(r"\.\s[A-ZÀ-Ý]")  # `le 24 mars.`: the dot is no abbreviation's
TABLE_OF_DEADLINES = re.compile(
    r"\bdates?\slimites?\b|\bpour\squand\b|\b[ée]ch[ée]ances?\s{0,20}\||\|\s{0,20}(?:d[ée]lais?|avant\sle|pour\sle|deadline|due|by\swhen)\b",
    re.IGNORECASE,
)
# A table that says who does it: `| Qui | Quoi | Pour quand |`.
TABLE_OF_ACTORS = re.compile(r"\|\s{0,20}(?:par\s)?(?:qui|responsables?|acteurs?|pilotes?|who|owner)\b", re.IGNORECASE)
THE_READER = re.compile(r"\b(?:parents?|familles?|vous|m[èe]re|p[èe]re|responsables?\sl[ée]ga|you)", re.IGNORECASE)


def kind_of_day(plain: str, start: int, end: int) -> DateKind:
    """The kind of the day `plain[start:end]`; that of the letter itself is not told here."""
    if ENDS_SENTENCE.match(plain, end - 1):
        end -= 1
    before = SENTENCE_END.split(plain[max(0, start - 90) : start])[-1]
    after = SENTENCE_END.split(plain[end : end + 40])[0]
    if "|" in before:
        before = before.rpartition("\n")[2]
        after = after.partition("\n")[0]
    if BIRTH.search(before):
        return "birth"
    period = PERIOD_START.search(before)
    if (period and (period["explicit"] or PERIOD_END_FOLLOWS.match(after))) or PAST_PERIOD.search(before):
        return "other"
    # A cue such as `avant` after the date belongs to a later date.
    following = (cue for cue in KIND_CUES.finditer(after) if cue.lastgroup != "until")
    earlier = [cue for cue in KIND_CUES.finditer(before) if not _is_of_another_day(cue, before)]
    nearest = earlier[-1:] or list(following)[:1]
    kind = _kind_of_cue(nearest[0], before, plain[end : end + 90]) if nearest else "other"
    if nearest and nearest[0][0].lower() == "échéance" and LOAN.search(plain, max(0, start - 600), start):
        kind = "other"  # the bank takes it
    if kind == "other" and _is_in_table_of_deadlines(plain, start):
        kind = "deadline"
    if kind == "deadline" and PLANNED.search(before):
        return "appointment" if any(cue.lastgroup == "appointment" for cue in KIND_CUES.finditer(before)) else "other"
    if kind == "deadline" and (counted := COUNTED_BACK.search(before)):
        return "end_of_rights" if END.search(counted["what"]) else "other"
    return "other" if kind == "deadline" and is_by_an_office(before, after) else kind


def _is_of_another_day(cue: re.Match[str], before: str) -> bool:
    """`avant le 5 avril, sinon … au |1er mai|`: the cue belongs to the day that is nearer to it."""
    return cue.lastgroup == "until" and ANOTHER_DAY.search(before, cue.end()) is not None


def _kind_of_cue(cue: re.Match[str], before: str, after: str) -> DateKind:
    """`jusqu'au`, `du … au`, `expire`: the last day of a duty or of a benefit."""
    sentence = f"{before} {SENTENCE_END.split(after[:40])[0]}"
    match cue.lastgroup:
        case "end":
            return "deadline" if TIME_TO_ACT.search(sentence) else "end_of_rights"
        case "until" if MOVED.search(before):
            return "appointment"
        case "until" if cue[0].lower().startswith(("jusqu", "du", "until", "passé", "passe", "au-del", "entre")):
            return _kind_of_end(cue[0], before, sentence, after)
        case "appointment":
            return "appointment"
        case "decision":
            return "decision"
    return "deadline"


def _kind_of_end(cue: str, before: str, sentence: str, after: str) -> DateKind:
    if CLOSED.search(sentence):
        return "other"
    if cue.lower().startswith(("pass", "au-del")):
        return "end_of_rights" if VALID.search(before) else "deadline"
    if "avant cette date" in after or (QUOTE.search(sentence) and VALID.search(sentence)):
        return "deadline"
    is_duty = TO_DO.search(sentence) is not None
    if is_duty and not RIGHT_IS_OPEN.search(sentence):
        return "deadline"
    return "other" if cue.lower().startswith("entre") else "end_of_rights"


def _is_in_table_of_deadlines(plain: str, start: int) -> bool:
    """Whether the table that the day stands in has days by which the reader must act."""
    table, _, row = plain[max(0, start - 600) : start].rpartition("\n\n")[2].rpartition("\n")
    if "|" not in row or not TABLE_OF_DEADLINES.search(table):
        return False
    return not TABLE_OF_ACTORS.search(table) or THE_READER.search(row) is not None
