"""Tells whether a period is counted from something that may come, or that happens again and again."""

from __future__ import annotations

import re

from chat.documents.extraction.days import sentences
from chat.documents.extraction.days.periods import Period

MAX_BEFORE = 240  # characters of a sentence before its period
EVENT = (
    r"(?:nouve(?:au|l|lle)\s)?(?:absence|changement|maladie|accident|retard|incident|d[ée]m[ée]nagement|sinistre|arr[êe]t|modification"
    r"|hospitalisation|s[ée]paration|naissance|reprise|perte|vol\b|rejet|refus|chute)"
)
# `Toute absence est à justifier sous 48 heures`.
EACH_EVENT = re.compile(
    rf"\b(?:(?:toute?s?|chaque|tous)\s(?:les\s)?{EVENT}|\A(?:un\schangement|les\schangements\sde)\b|[àa]\schaque\s|chaque\sfois\b)",
    re.IGNORECASE,
)
# Counted from something that is to come: `Sans réponse dans ce délai, vous avez alors deux mois`.
TO_COME = re.compile(
    r"\b(?:(?:sans|pas\sde|d[ée]faut\sde|absence\sde)\sr[ée]ponse|(?<!suite\sau\s)(?<!suite\s[àa]\sce\s)(?:refus|rejet)(?:er)?"
    r"|en\scas\sde|silence|s'ils?|si(?!\svous\b(?!\s(?:n['e]|recevez)))|apr[èe]s\s(?:l['ea]s?\s?)?avoir|une\sfois|lorsqu['e]|quand)\b",
    re.IGNORECASE,
)
THEN = re.compile(r"\b(?:alors|ensuite|d[èe]s\slors)\b", re.IGNORECASE)
WILL_HAVE = re.compile(r"\bvous\s(?:aurez|disposerez)\b", re.IGNORECASE)
# Once what the sentence before tells has come: `La commission rendra sa décision. |Vous pourrez ensuite| …`.
THEN_YOU_CAN = re.compile(r"\W*vous\spourrez\s(?:alors|ensuite)\b", re.IGNORECASE)
UNLESS = re.compile(
    rf"{TO_COME.pattern}|\b(?:faute\sde|[àa]\sd[ée]faut\sd|(?:sans|absence\sde)\s(?:d[ée]cision|accord)|d'abord)\b",
    re.IGNORECASE,
)
WILL_BE = re.compile(
    r"\b(?:[a-zà-ÿ]{1,20}(?:ra|ront|erez)|(?:aur|recevr|devr|pourr)ez|nous\s[a-zà-ÿ]{2,20}rons)\b"
    r"|\bv(?:a|ont)\s(?:être|[a-zà-ÿ]{2,20}[ei]r)\b"
)
# The refusal that the letter tells: `Votre recours est rejeté`.
REFUSED = re.compile(
    r"\b(?:est|sont|[ée]t[ée]|avons|a|ont)\s(?:\w{1,12}\s)?(?:rejet[ée]|refus[ée]|confirm[ée]|maintenue?s?\b)",
    re.IGNORECASE,
)
AFTER_IT = re.compile(r"\b(?:[àa]\sl'issue|pass[ée]\sce\sd[ée]lai(?=,))\b", re.IGNORECASE)
WHEN = r"en\scas\sd(?:e\s|u\s|es\s|')|lorsqu(?:e\s|')|quand\s(?!m[êe]me)"
# Behind `après`. `Après décision`, `après le rejet de votre demande`: the letter tells it.
AFTERWARDS = (
    rf"(?:(?:une?|chaque|toute?s?)\s{EVENT}|(?:l['ea]s?\s?)?(?!modif|refus|rejet|reprise|s[ée]paration){EVENT}"
    r"|la\sd[ée]cision(?!\sdu\s\d))"
)
# Behind `à défaut d'accord`: with the letter, not with a third.
OF_THE_READER = (
    r"avec\s(?:cet?|cette|ces|cela|notre|nos|(?:la|les?)\s(?:d[ée]cision|proposition|montant))\b|sur\b|de\svotre\b"
)
# The first words of a condition, at the beginning of a clause: `dites-nous si` begins none.
CONDITION = re.compile(
    r"(?:\A|[,;:(–—-]|\n\s?\n|\b(?:et|ou|mais|qu['e]|toutefois|cependant|aussi|donc))\W{0,5}"
    rf"(?:{WHEN}|si\s(?!une?\s(?!{EVENT}|nouve|autre))|s'(?=ils?\s)|d[èe]s\squ(?:e\s|')|[àa]\sd[ée]faut\sd(?=e\sd[ée]cision|e\sconciliation|'accord(?!\s(?:{OF_THE_READER}))|'entente)"
    rf"|apr[èe]s\s(?={AFTERWARDS})|en\sl'(?=absence\s)|(?=sans\sr[ée]ponse\b)|if\s)",
    re.IGNORECASE,
)
# Where the duty begins that follows from a condition.
DUTY = re.compile(
    r"[,:](?!(?:[^,]*,)?\sn['e])|\bvous\s(?:devez|devrez|pouvez|pourrez|avez|aurez|dispos)|\b(?:merci|veuillez)\b|\b\w{2,20}ez-",
    re.IGNORECASE,
)
MIN_CONDITION = 4  # characters: in `si vous avez` no duty has begun
# What has come already, or comes with the letter: `En cas de désaccord, …`, `S'il vous plaît, …`.
AT_HAND = re.compile(
    r"(?:une?\s|l['ea]s?\s?)?(?:d[ée]saccord|contestation|litige|r[ée]clamation|opposition|recours|appel|relance|erreur|anomalie|difficult|besoin|paiement|r[èe]glement"
    r"|non[- ](?:r[ée]ponse|paiement|r[èe]glement|retour|r[ée]ception)"
    r"|(?:absence|d[ée]faut)\sde\s(?:paiement|r[èe]glement|retour)"
    r"|(?:absence\sde|d[ée]faut\sde|sans)\sr[ée]ponse(?!\sde\s(?!votre))|(?:accord|acceptation)(?:\Z|\sde\svotre)|refus\sde\svotre"
    r"|il\s(?:vous|te)\spla)",
    re.IGNORECASE,
)
# What the reader wants, thinks, is or has not done: `Si vous souhaitez contester, …`, `Si vous êtes séparés, …`.
CHOSEN = re.compile(
    r"\b(?:contest|accept|refus|d[ée]sir|voul|pens|estim|pr[ée]f[ée]r|jug|consid[ée]r|choisiss|demand|opt|pouv|entend"
    r"|cro[iy]|trouv|d[ée]cid|compt|envisag|form|d[ée]pos|introduis|saisiss|oppos|confirm|maint(?:en|ien)|renonc|gard|conserv|rest(?!ez\s(?:sans|absent|hospitalis)))ez\b"
    r"|\b(?:per[cç]ev|touch|b[ée]n[ée]fici|viv|habit|r[ée]sid|[ée]lev|travaill)ez\b(?!.*\bnouve)"
    r"|\A(?:vous\sêtes|il\sest|elle\sest|votre\senfant\s(?:est|n'est\spas))\s(?:(?:le|la|les|un|une|des)\s)?(?:s[ée]par[ée]|divorc|mari[ée]|pacs|veu[fv]|seule?\b"
    r"|c[ée]libataire|locataire|propri[ée]taire|h[ée]berg|salari|[ée]tudiant|retrait|tit|b[ée]n[ée]ficiaire|allocataire|scolaris|majeur|mineur|parent|p[èe]re|m[èe]re|tut)"
    r"|\bfaites\s(?:un\s|une\s)?(?:recours|appel|opposition|r[ée]clam)"
    r"|\b(?:souhait|d'accord|en\sd[ée]saccord|convient|satisf|sembl|para[iî]t|(?:in)?exact|(?:in)?correct|erron|int[ée]ress|participe|(?:est|êtes)\sconcern"
    r"|manqu|incompl|d[ée]j[àa]\b|ce\sn'est|besoin\b|possible|n[ée]cessaire"
    r"|n'(?:a|ont)\spas\s(?:chang|[ée]volu)|inchang|identique|toujours\b(?!\s(?:pas|sans))|(?:est|sont|êtes)\sencore"
    r"|oppos[ée]|en\scause|d'avis\b|repr[ée]sentant|injuste)"
    r"|\Avous\sn(?:e\s|')(?!.*(?:recev|obten|re[çc]u|r[ée]ponse)).*\spas\b|\Avous\s(?:recev|aurez\sre[çc]u)"
    r"|\A(?:vous\savez|nous|cet?|cette|ces|tel)\s(?!.*(?:chang|accident|rejet|refus))"
    r"|\Ayou\s(?:disagree|w|do\snot|don't|are\s(?:not|un)|still|change\syour\smind|appeal|think|believe|need|can|accept)",
    re.IGNORECASE,
)
# A condition that stands behind its period.
CONDITION_BEHIND = re.compile(
    rf"\s{{1,3}}(?:{WHEN}|si\s(?=(?:votre|vos|la)\s(?:situation|ressources|revenus|adresse|coordonn)))", re.IGNORECASE
)


def is_to_come(plain: str, period: Period) -> bool:
    """Whether a period without a start of its own is counted from what may come."""
    before = sentences.before(plain, period.start, MAX_BEFORE)
    is_of_each = EACH_EVENT.search(before, max(0, len(before) - 120))
    if is_of_each or _is_after_what_comes(plain, period, before) or _is_later(plain, period):
        return True
    for condition in CONDITION.finditer(before):
        duty = DUTY.search(before, condition.end() + MIN_CONDITION)
        if duty and not _is_now(before[condition.end() : duty.start()]):
            return True
    behind = CONDITION_BEHIND.match(plain, period.end)
    return behind is not None and not _is_now(sentences.after(plain, behind.end(), MAX_BEFORE))


def _is_now(condition: str) -> bool:
    return bool(AT_HAND.match(condition) or CHOSEN.search(condition))


def _is_after_what_comes(plain: str, period: Period, before: str) -> bool:
    """Whether it is counted from what the sentence before says will or may come; not from a refusal that it tells."""
    if not THEN_YOU_CAN.match(before):
        return False
    earlier = sentences.before(plain, period.start, MAX_BEFORE, 2).removesuffix(before)
    return bool(UNLESS.search(earlier) or (WILL_BE.search(earlier) and not REFUSED.search(earlier)))


def _is_later(plain: str, period: Period) -> bool:
    """Whether it is counted from what its sentence, or the one before, says may come."""
    words = sentences.before(plain, period.start, 60) + period.text
    is_then, will_have = THEN.search(words) is not None, WILL_HAVE.search(words) is not None
    if AFTER_IT.search(words) or (is_then and will_have):
        return True
    before = sentences.before(plain, period.start, MAX_BEFORE, 2 if is_then else 1)
    return (is_then or will_have) and TO_COME.search(before) is not None
