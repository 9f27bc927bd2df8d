"""Tells what a day in a letter is, by the words around it: a deadline, an appointment, an end of rights…"""

from __future__ import annotations

import re

from chat.documents.extraction.days import duties
from chat.documents.extraction.days.actors import pattern
from chat.documents.extraction.days.sentences import SENTENCE_END
from chat.documents.extraction.months import MONTH, WEEKDAY
from chat.documents.facts import DateKind

# Cues for the kind of a date. The nearest cue before it counts, else the first one after it.
KIND_CUES = pattern(
    rf"""
    (?P<until>
        \b(?:avant|avt|before)\b | jusqu['’ ]?(?:à|aux?|en)\b | d['’]ici\s | \buntil\b
      | \b(?:pour|pr)\s{{1,2}}(?:le\s{{0,2}}(?:{WEEKDAY}\s{{1,2}})?|{WEEKDAY}\s)?\Z
      | \bby\s(?:\d{{1,2}}\s?[ap]m\s(?:on\s)?|noon\s(?:on\s)?)?(?:the\s|next\s|this\s)?(?:{WEEKDAY}\s)?\Z
      | (?<!\best\s)(?<!\bsuis\s)(?<!\ba\s)\bpassé\sle\s\Z | \bau-delà\sdu\s\Z | \bpas\saprès\sle\s\Z
      | \bdu\s(?:{WEEKDAY}\s)?(?:\d|premier).{{0,40}}\bau\s{{0,2}}(?:{WEEKDAY}\s)?\Z
      | (?:arrivée?s?|reçue?s?|acceptée?s?|parvenue?s?|déposée?s?|transmise?s?)\s(?:[^.]{{0,20}}\s)?après\s
        (?:le\s|cette\sdate\s?[(,:]\s?(?:le\s)?)\Z
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
      | \bexigibilité\b | \blimite\s(?:de|d['’])\s?(?!âge)\w
      | (?:défaut|faute)\sde\s(?:réponse|retour|nouvelles|confirmation|paiement|règlement)\s(?:de\svotre\spart\s)?
        (?:au|le|d'ici|avant)\b
      | \b(?:non[- ]paiement|payables?)\s(?:au|le)\b | \bRSVP\b
      | \bsans\s(?:réponse|nouvelles?|retour)\sde\s(?:votre\spart|vous)\b
      | \bclôture\b | \bclos(?:es?)?\b | \bclôturée?s?\b | \bminuit\b | 23\s?h\s?59 | \bsans\sfaute\b | dernier\scarat
      | (?:réponse|retour|accord|confirmation|inscription|pièce|dossier|document|règlement|attestation)s?\s
        (?:(?:est|sont)\s)?(?:souhaitée?s?|attendue?s?|demandée?s?)
      | (?:clôture|fermeture|fin)\s(?:des|de\sla|de\sl')\s?(?:inscriptions?|candidatures?|dépôts?|campagne)
      | confirmer | échéance(?!\sde\s(?:vos|ses|leurs)\sdroits) | no\slater\sthan | deadline | \bdue\b
    )
  | (?P<end>
        \bà\s(?:échéance|expiration)\b | \béchoi | \bperdue?s?\s(?:au|le)\s | \b(?:ends?|stops?|lapses?)\son\b
      | expire | pren(?:d|nent|dra)\sfin | fin\sde(?:s|\s(?:vos|ses|leurs))?\s(?:droits|notification)
      | s['’](?:achève|arrête) | à\s(?:son\s)?terme\sle\b
      | se\stermine | échéance\sde\s(?:vos|ses|leurs)\sdroits
    )
  | (?P<appointment>
        rendez-?\s?vous | \brdv\b | convoqu | convi(?:e|ons|er)\b | entretien | réunion | audience | se\stiendra
      | aura\slieu | recevra | consultation | visite | sortie | \bséances?\b(?=.{{0,20}}prévue)
      | (?:à|,|at|-|–)\s(?!23\s?h)\d{{1,2}}\s?(?:h|[ap]m\b)
      | \bentre\s\d{{1,2}}\s?(?:h|heures)?\d{{0,2}}\set\s\d{{1,2}}\s?h
      | \b(?:intervention|opération|hospitalisation|examen|bilan|test)\s(?:est\s|sera\s)?(?:prévu|fixé|programmé)
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
    r"|\bouverte?s?\sdu\b|recevable|contest|recours|possible|observations|\bpa[iy]e(?!ur)|\brégl|annul|\brésili|\bchèque|\bvote[rz]?\b|\ben\sligne\b|plateforme|\bdispo(?:nible)?s?\b|(?<!restons\s)(?<!reste\s)(?<!suis\s)à\svotre\sdisposition|vœux|voeux|saisi(?:r|e\b|ss)|vous\satten|échang|corrig|avant\scette\sdate|\bmodifi",
    re.IGNORECASE,
)
RIGHTS = pattern(
    r"\bdroits?\b|accord|attribu|alloc|allou|\b(?:AEEH|AAH|PCH|AESH|CMI|ESAT|IME|SESSAD|cartes?)\b|orientation|notifi"
    r"|prise\sen\scharge|\bversé|valable|valid|\bvaut\b|agrément|admission|rembours|renouvel|acceptée?"
    r"|forfait|\breste\b|solde|plafond|garanti|abonnement|contrat|convention|horaires?\b|bénéfici|prolong|suspend|maint(?:en|ien)|continu|fonctionn|en\splace|effectif|prêt(?:ée?s?)?\b",
    re.IGNORECASE,
)
# What ends, is the time to act: `la campagne s'achève le |20 mars|`.
TIME_TO_ACT = pattern(
    r"délai|campagne|inscription|candidature|\bdépôts?\b|préinscription|réservations?\b|\bouverte?s?\sdu\b|\blien\b",
    re.IGNORECASE,
)
QUOTE = pattern(r"\b(?:devis|offre|proposition|prix|tarifs?|quote|quotation|estimate|offer|option)\b", re.IGNORECASE)
VALID = pattern(r"valab|valid|\bopen\b|garanti|maintenu|\bvaut\b|ferme", re.IGNORECASE)
RIGHT_IS_OPEN = pattern(r"\bdroits?\s(?:est|sont|reste|restent)\b|\bcourent\b", re.IGNORECASE)
# What happens behind a day tells that it is a last one: `jusqu'au |31 mai|. Passé cette date, …`.
PAST_IT = pattern(r"(?:au[- ]delà|passé\s(?:cette|ce)|après\scette\sdate|ensuite,|sinon)\b", re.IGNORECASE)
BEFORE_IT = pattern(
    r"(?<!mois\s)(?<!jours\s)(?<!semaines\s)(?<!heures\s)(?<!h\s)\b(?:avant|d['’]ici)\scette\s(?:date|échéance)\b",
    re.IGNORECASE,
)
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
  | (?P<between>\bentre\sle\s(?:{WEEKDAY}\s)?\Z)
    """,
    re.IGNORECASE | re.VERBOSE,
)
PERIOD_END_FOLLOWS = pattern(r"\s{1,3}(?:au|et\sjusqu)\b", re.IGNORECASE)
AND_FOLLOWS = re.compile(r"\s{1,3}et\b", re.IGNORECASE)
# `photo le |24/03|, bon à rendre avant le 20/03`: the cue is that of the next day.
NEXT_DAY = re.compile(rf"[^,;.|\n\d]{{0,25}}\d{{1,2}}(?:er)?(?:\s{{0,2}}{MONTH}|/\d)", re.IGNORECASE)
PAST_PERIOD = pattern(r"\bpériode\s(?:allant\s)?du\b.{4,40}\bau\s{0,2}\Z", re.IGNORECASE | re.DOTALL)
# `le rendez-vous du 24 est déplacé au |31|`.
MOVED = pattern(
    rf"\b(?:déplacé|reporté|repoussé|avancé|décalé|reprogrammé|remis|report)e?s?\sau\s(?:{WEEKDAY}\s)?\Z", re.IGNORECASE
)
LOAN = pattern(r"\bmensualités?\b|\bTAEG\b|\bmontant\semprunté", re.IGNORECASE)
# Behind `avant`: its own day, and then words that don't join another one to it.
ANOTHER_DAY = re.compile(
    rf"[^\d,;]{{0,20}}\d{{1,2}}(?:er)?+\b(?:\s{{0,2}}{MONTH}|[/.-]\d\d?\b)?+(?:[/.\s-]\d{{2,4}}\b)?+"
    r"(?!\s?(?:[,(]\s?)?(?:et|ou|puis|au|or|and|to|soit|[-–/])\s[^.,;]{0,14}\Z)[^\w]{0,3}\s?[^\W\d].{0,60}\Z",
    re.IGNORECASE | re.DOTALL,
)
# `Date limite : 20/03 - Commission : |14/04|`
ANOTHER_LABEL = re.compile(
    rf"\d{{1,2}}(?:er)?(?:\s{{0,2}}{MONTH}|[/.-]\d\d?\b)[^:]{{0,20}}(?:\s[-–|]\s|\s{{3}})[^:\d]{{3,40}}:\s{{0,3}}\Z",
    re.IGNORECASE,
)
# Whatever stands before it: `Votre accord est attendu le |20 mars| au plus tard`.
AT_THE_LATEST = pattern(
    r"(?:\s?(?:à|,)?\s\d{1,2}\s?h\d{0,2})?,?\s\(?(?:au\splus\stard|dernier\s(?:délai|carat)|délai\sde\srigueur|sans\sfaute|maximum|max)\b",
    re.IGNORECASE,
)
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
    if (period and _is_start(period, after)) or PAST_PERIOD.search(before):
        return "other"
    kind = _kind_by_cues(plain, start, end, before, after)
    is_of_appointment = any(cue.lastgroup == "appointment" for cue in KIND_CUES.finditer(before))
    return duties.kind_of_deadline(before, after, is_of_appointment=is_of_appointment) if kind == "deadline" else kind


def _kind_by_cues(plain: str, start: int, end: int, before: str, after: str) -> DateKind:
    """By the cue that is nearest, and by the table or the words around the day."""
    if AT_THE_LATEST.match(after):
        return "deadline"
    nearest = _nearest_cue(plain, end, before, after)
    kind = _kind_of_cue(nearest, before, plain[end : end + 90]) if nearest else "other"
    if nearest and nearest[0].lower() in {"échéance", "echeance"} and LOAN.search(plain, max(0, start - 600), start):
        kind = "other"  # the bank takes it
    if kind == "other" and _is_in_table_of_deadlines(plain, start):
        return "deadline"
    return "deadline" if kind in {"other", "end_of_rights"} and BEFORE_IT.search(plain, end, end + 90) else kind


def _nearest_cue(plain: str, end: int, before: str, after: str) -> re.Match[str] | None:
    """The last cue before the day, else the first behind it."""
    earlier = [cue for cue in KIND_CUES.finditer(before) if not _is_of_another_day(cue, before)]
    # A cue such as `avant` after the date belongs to a later date.
    following = (
        cue
        for cue in KIND_CUES.finditer(after)
        if cue.lastgroup != "until" and not NEXT_DAY.match(plain, end + cue.end())
    )
    return earlier[-1] if earlier else next(following, None)


def _is_start(period: re.Match[str], after: str) -> bool:
    if period["between"]:
        return AND_FOLLOWS.match(after) is not None
    return period["explicit"] is not None or PERIOD_END_FOLLOWS.match(after) is not None


def _is_of_another_day(cue: re.Match[str], before: str) -> bool:
    """`avant le 5 avril, sinon … au |1er mai|`: the cue belongs to the day that is nearer to it."""
    if cue.lastgroup == "deadline":
        return ANOTHER_LABEL.search(before, cue.end()) is not None
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
    if CLOSED.search(sentence) and not TIME_TO_ACT.search(before):
        return "other"
    if cue.lower().startswith(("pass", "au-del")):
        return "end_of_rights" if VALID.search(before) else "deadline"
    if PAST_IT.search(after) and not RIGHTS.search(sentence):
        return "deadline"
    if TIME_TO_ACT.search(before) or (QUOTE.search(sentence) and VALID.search(sentence)):
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
