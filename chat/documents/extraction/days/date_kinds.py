"""Tells what a day in a letter is, by the words around it: a deadline, an appointment, an end of rights…"""

from __future__ import annotations

import re

from chat.documents.extraction.days import duties
from chat.documents.extraction.days.actors import DOES_IT, LAST_CALL, SENT, pattern
from chat.documents.extraction.days.sentences import SENTENCE_END
from chat.documents.extraction.months import MONTH, WEEKDAY
from chat.documents.facts import DateKind

OF_A_RIGHT = (
    r"\s(?:de\s(?:vos|ses|leurs|votre|cette|la|l')|du)\s?(?:droits?|contrat|notification|prise\sen\scharge|carte|accord|mesure|orientation|garantie"
    r"|abonnement|convention|agrément|bail|décision)\b"
)
# Cues for the kind of a date. The nearest cue before it counts, else the first one after it.
KIND_CUES = pattern(
    rf"""
    (?P<until>
        (?<!d')\b(?:avant|avt|before)\b(?!\s(?:cette\s(?:date|échéance)|ce\sjour)\b(?!\s?[,:(]\s?(?:soit\s)?(?:le\s)?\Z))
      | jusqu['’ ]?(?:à|aux?|en)\b | d['’]ici\s | \buntil\b
      | \b(?:pour|pr)\s{{1,2}}(?:l[ea]\s{{0,2}}(?:{WEEKDAY}\s{{1,2}})?|{WEEKDAY}\s)?\Z
      | \bby\s(?:\d{{1,2}}\s?[ap]m\s(?:on\s)?|noon\s(?:on\s)?)?(?:the\s|next\s|this\s)?(?:{WEEKDAY}\s)?\Z
      | \bpas\saprès\sle\s\Z
      | \bdu\s(?:{WEEKDAY}\s)?(?:\d|premier).{{0,40}}\bau\s{{0,2}}(?:{WEEKDAY}\s)?\Z
      | {LAST_CALL}\s(?:{WEEKDAY}\s)?\Z
      | {SENT}\s(?:[^.]{{0,20}}\s)?après\s
        (?:le\s|cette\sdate\s?[(,:]\s?(?:le\s)?)\Z
      | \b(?:répondu|confirmé|réglé|payé|rendu|renvoyé|inscrits?)\s(?:[^.,]{{0,20}}\s)?au\s(?:{WEEKDAY}\s)?\Z
      | \bsi\b[^.]{{0,50}}\b(?:parvenue?s?|reçue?s?|payée?s?|réglée?s?|répondu|confirmé|rendue?s?|renvoyée?s?)\s
        (?:[^.,]{{0,15}}\s)?(?:le|au)\s(?:{WEEKDAY}\s)?\Z
      | (?<!choisir\s)\bentre\sle\b.{{2,40}}\bet\sle\s(?:{WEEKDAY}\s)?\Z
    )
  | (?P<deadline>
        au\splus\stard | (?:date|jour)\slimite
      | dernier\s(?:délai|jour(?=\s(?:pour|de\sdépôt|d['’]\s?inscription|utile)))
      | (?<!vous\s)(?:retourner|renvoyer|transmettre) | parvenir
      | \bvous\s(?:nous\s)?(?:régler|verser|paier|remettr|rendr|enverr|retourner|renverr)ez\b
      | \bà\s(?:rendre|remettre|verser|déposer|régler|payer|fournir|envoyer|rapporter|ramener|apporter|compléter|signer
          |adresser|produire|communiquer|déclarer|demander|faire\s(?:passer|parvenir|suivre|signer))\b
      | \bà\s(?:me|nous|lui|leur)\s(?:faire\s)?\w{{3,14}}(?:er|ir|re)\b
      | \bbutoir\b | \bforclusion\b | \bexigible | (?<!est\s)(?<!présence\s)\bimpérati(?:ve|f)(?!\w)
      | \bultime\b | dernière\s(?:date|limite)
      | \bexigibilité\b | \blimite\s(?:de|d['’])\s?(?!âge)\w
      | (?:défaut|faute)\sde\s(?:réponse|retour|nouvelles|confirmation|paiement|règlement)\s(?:de\svotre\spart\s)?
        (?:au|le|d'ici|avant)\b
      | \b(?:non[- ]paiement|payables?)\s(?:au|le)\b | \bRSVP\b
      | \bsans\s(?:réponse|nouvelles?|retour)\sde\s(?:votre\spart|vous)\b
      | \bclôture\b | \bclos(?:es?)?\b | \bclôturée?s?\b | (?<!depuis\s)(?<!dès\s)(?<!de\s)\bminuit\b
      | 23\s?h\s?59 | \bsans\sfaute\b | dernier\scarat
      | (?:réponse|retour|accord|confirmation|inscription|pièce|dossier|document|règlement|attestation)s?\s
        (?:(?:est|sont)\s)?(?:souhaitée?s?|attendue?s?|demandée?s?)
      | \b(?:formulaire|sondage|questionnaire|lien|liste|inscriptions?|plateforme|portail|guichet|campagne|vote)\b
        [^.]{{0,30}}\b(?:ferm(?:e|ent|era|eront)|boucl\w{{1,5}}|s'arrêt\w{{1,5}})\b
      | \b(?:boucl|clôtur|arrêt|ferm)(?:e|ons|era|erons)\sl(?:a|es)\s(?:listes?|inscriptions|commandes|dossiers)\b
      | \b(?:confirmation|délai(?:\sde\s\w{{3,14}})?)\s?:\s\Z
      | \bremise\sd(?:es|u)\sdossiers?\b
      | \b(?:retour|renvoi)\s(?:du|de\sla|de\sl'|des)\s?(?:coupon|fiche|talon|dossier|formulaire|document|pièce)
      | \bsans\s(?:nouvelles?|retour|confirmation|paiement|règlement)\s(?:de\svotre\spart\s)?(?:au|le)\s\Z
      | \b(?:est|sont|reste|restent|sera|seront)\sdûe?s?\b | \bincompl\w{{1,4}}\sau\s\Z
      | (?:clôture|fermeture|fin)\s(?:des?|du|d'|de\sla|de\sl')\s?(?:inscriptions?|candidatures?|dépôts?|campagne)
      | (?<!vous\s)confirmer | échéance(?!{OF_A_RIGHT}) | no\slater\sthan | deadline
      | \bclos(?:ing\sdate|es?\son)\b | \bdue\b(?!\sto\b)
    )
  | (?P<end>
        \bà\s(?:échéance|expiration)\b | \béchoi | \bperdue?s?\s(?:au|le)\s | \b(?:ends?|stops?|lapses?)\son\b
      | \bfin\s(?:d'|d[eu]s?\s|de\s(?:la\s|l'|votre\s|vos\s|son\s|sa\s|ses\s|leurs?\s))\s?
        (?:droits?|notification|service|contrat|abonnement|validité|prise\sen\scharge|mesure|accord|garantie|bail|séjour
        |agrément|mise\sà\sdisposition)\b
      | expire | pren(?:d|nent|dra)\sfin | \bdate\sde\sfin\s?:
      | s['’](?:achève|arrête) | à\s(?:son\s)?terme\sle\b
      | se\stermine | échéance{OF_A_RIGHT}
    )
  | (?P<appointment>
        rendez-?\s?vous | \brdv\b | convoqu | convi(?:e|ons|er)\b | entretien | réunion | audience | se\stiendra
      | aura\slieu | recevra | consultation | visite | sortie | \bséances?\b(?=.{{0,20}}prévue)
      | (?:à|,|at|-|–)\s(?!23\s?h)\d{{1,2}}\s?(?:h|[ap]m\b)
      | \bentre\s\d{{1,2}}\s?(?:h|heures)?\d{{0,2}}\set\s\d{{1,2}}\s?h
      | \b(?:intervention|opération|hospitalisation|examen|bilan|test)\s(?:est\s|sera\s)?(?:prévu|fixé|programmé)
      | \b(?:présence|venue|participation)\s(?:le|du|au)\s(?:{WEEKDAY}\s)?\Z
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
    r"|\bvous\sreste|\bpour\s(?:nous\s|vous\s)?\w{2,14}(?:er|ir|re)\b|\bvous\sappartient|\bà\svous\sde\b|actualis|conservée?s?\b|retir|savoir\b|\byou\s(?:have|can|may|must)|\bto\s(?:send|return|reply|respond|appeal|apply)|\bmerci\b|veuillez"
    r"|demandes?\sà\s|\bà\s(?:faire|demander)\b|\bpeu(?:t|vent)\sêtre\b|\b(?:gard|réserv)(?:ée?s?|ons|e)\b|\b(?:accessible|acti(?:f|ve))s?\b"
    r"|\b(?:inscri|déclar|télé|platef|site\b|guichet|campagne|vote\b|formulaire|lien\b|sondage)[^.]{0,40}\souverte?s?\sjusqu|\bse\sdonne|\b(?:donn|laiss|accord)(?:e|ons)\sjusqu|inscri|répon(?!d\sjusqu|dent\sjusqu)|envoy|retourn|transm|adress|dépos"
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
    r"délai|campagne|inscription|candidature|\bdépôts?\b|préinscription|réservations?\b|\blien\b", re.IGNORECASE
)
QUOTE = pattern(r"\b(?:devis|offre|proposition|prix|tarifs?|quote|quotation|estimate|offer|option)\b", re.IGNORECASE)
VALID = pattern(r"valab|valid|\bopen\b|garanti|maintenu|\bvaut\b|ferme", re.IGNORECASE)
# A state until then: `l'inscription est valable jusqu'au`, `vous pouvez bénéficier du transport jusqu'au`.
GOES_ON = pattern(
    r"\b(?:valables?|valides?|couverte?s?|réglée?s?|payée?s?|accueillie?s?|(?<!être\s)modifiée?s?|être\sprolongée?s?)\sjusqu\S{1,4}\s?\Z"
    r"|\bvous\s(?:pouvez|pourrez|avez|aurez)\s(?:encore\s)?(?:continuer|bénéficier|conserver|garder|percevoir|droit\s(?:à\sla|à\sl'|aux?))(?!\w)[^.]{0,60}\sjusqu\S{1,4}\s?\Z"
    r"|\bpossibles?\sde\s[^.]{0,30}\sjusqu\S{1,4}\s?\Z",
    re.IGNORECASE,
)
RIGHT_IS_OPEN = pattern(
    r"\bdroits?\s(?:est|sont|reste|restent)\b|\bcourent\b"
    r"|(?<!demande\sde\s)(?<!demandes\sde\s)(?<!demande\sd')(?<!demandes\sd')"
    r"\b(?:droits?|AEEH|AAH|PCH|AJPP|allocation|prestation|complément)\b[^.;]{0,60}\bouverte?s?\sdu\b",
    re.IGNORECASE,
)
# What happens behind a day tells that it is a last one: `jusqu'au |31 mai|. Passé cette date, …`.
PAST_IT = pattern(r"(?:au[- ]delà|passé\s(?:cette|ce)|après\scette\sdate|ensuite,|sinon)\b", re.IGNORECASE)
BEFORE_IT = pattern(
    r"(?<!mois\s)(?<!jours\s)(?<!semaines\s)(?<!heures\s)(?<!h\s)\b(?:avant|d['’]ici)\scette\s(?:date|échéance)\b"
    r"|\b(?:sans|rien|pas|aucune?)\b[^.]{0,30}\sà\scette\s(?:date|échéance)\b",
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
PAYMENT = pattern(
    r"\b(?:versement|virement|prestations?|allocations?|prélèvement|(?:partir|compter)\sde)\b.{0,60}\béchéance\b",
    re.IGNORECASE,
)
# `Merci de transmettre l'accord du |3 mai|`: the day names what is sent.
OF_A_THING = pattern(
    r"\b(?:transmettre|retourner|renvoyer|parvenir|fournir|envoyer|adresser|produire|joindre)\b"
    r"(?:(?!\b(?:pour|lors|avant|à|au|dès|limite|échéance|réunion|séance|audience|rendez|rdv)\b)[^.;]){1,80}[^\W\d]{3,}\sdu\s\Z",
    re.IGNORECASE,
)
CANCELLED = pattern(
    r"[^.,;]{0,20}\b(?:est|sont|était|a\sété)\s(?:donc\s|finalement\s|bien\s)?(?:annulé|supprimé)", re.IGNORECASE
)
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
    r"\bdates?\slimites?\b|\bpour\squand\b|\b[ée]ch[ée]ances?\s{0,20}\||\|[^|\n]{1,25}\s(?:pour|avant)\sle\s{0,20}\||\|\s{0,20}(?:d[ée]lais?|avant\sle|pour\sle|deadline|due|by\swhen)\b",
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
    if plain[max(0, start - 1) : start] == "\n" and plain[end : end + 2] == "  ":
        before = ""  # the first column of a calendar
    if BIRTH.search(before):
        return "birth"
    period = PERIOD_START.search(before)
    if (period and _is_start(period, after)) or PAST_PERIOD.search(before) or CANCELLED.match(after):
        return "other"
    kind = _kind_by_cues(plain, start, end, before, after)
    is_of_appointment = any(cue.lastgroup == "appointment" for cue in KIND_CUES.finditer(before))
    if kind != "deadline":
        return kind
    return duties.kind_of_deadline(before, plain[start:end], after, is_of_appointment=is_of_appointment)


def _kind_by_cues(plain: str, start: int, end: int, before: str, after: str) -> DateKind:
    """By the cue that is nearest, and by the table or the words around the day."""
    if AT_THE_LATEST.match(after):
        return "deadline"
    nearest = _nearest_cue(plain, end, before, after)
    kind = _kind_of_cue(nearest, before, plain[end : end + 90]) if nearest else "other"
    if nearest and (_is_paid(plain, start, nearest, before) or OF_A_THING.search(before)):
        kind = "other"
    if kind == "other" and _is_in_table_of_deadlines(plain, start):
        return "deadline"
    if kind in {"other", "end_of_rights"} and (duty := BEFORE_IT.search(plain, end, end + 90)):
        return kind if DOES_IT.search(plain, end, duty.start()) else "deadline"
    return kind


def _is_paid(plain: str, start: int, cue: re.Match[str], before: str) -> bool:
    """Whether a bank takes, or an office makes, a payment on that day: `versement de mars (échéance du |10|)`."""
    if cue[0].lower() not in {"échéance", "echeance"}:
        return False
    return LOAN.search(plain, max(0, start - 600), start) is not None or PAYMENT.search(before) is not None


def _nearest_cue(plain: str, end: int, before: str, after: str) -> re.Match[str] | None:
    """The last cue before the day, else the first behind it."""
    earlier = [cue for cue in KIND_CUES.finditer(before) if not _is_of_another_day(cue, before)]
    # A cue such as `avant` after the date belongs to a later date.
    following = (
        cue
        for cue in KIND_CUES.finditer(after)
        if cue.lastgroup != "until" and (cue[0][-1] in "hm" or not NEXT_DAY.match(plain, end + cue.end()))
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
    if GOES_ON.search(before) and not (QUOTE.search(sentence) and VALID.search(sentence)):
        return "end_of_rights"
    if CLOSED.search(sentence) and not TIME_TO_ACT.search(before):
        return "other"
    if cue.lower().startswith(("pass", "au-del")):
        return "end_of_rights" if VALID.search(before) else "deadline"
    if PAST_IT.search(after) and not RIGHTS.search(sentence):
        return "deadline"
    is_offer = QUOTE.search(sentence) is not None and VALID.search(sentence) is not None
    is_duty = TO_DO.search(sentence) is not None and not RIGHT_IS_OPEN.search(sentence)
    if TIME_TO_ACT.search(before) or is_offer or is_duty:
        return "deadline"
    return "other" if cue.lower().startswith("entre") else "end_of_rights"


def _is_in_table_of_deadlines(plain: str, start: int) -> bool:
    """Whether the table that the day stands in has days by which the reader must act."""
    table, _, row = plain[max(0, start - 600) : start].rpartition("\n\n")[2].rpartition("\n")
    if "|" not in row or not TABLE_OF_DEADLINES.search(table):
        return False
    return not TABLE_OF_ACTORS.search(table) or THE_READER.search(row) is not None
