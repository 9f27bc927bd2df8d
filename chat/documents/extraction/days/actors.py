"""Tells who must act by a day: the reader of a letter, or an office, a firm, a school."""

from __future__ import annotations

import re

ACCENTS = {ord(letter): f"[{letter}{plain}]" for letter, plain in zip("éèêàâûùôîïç", "eeeaauuoiic", strict=True)}


def pattern(text: str, flags: int) -> re.Pattern[str]:
    """The pattern, which finds the words also without their accents: OCR and telephones leave them out."""
    return re.compile(text.translate(ACCENTS), flags)


DONE = (
    r"(?:virée?s?|versée?s?|prélevée?s?|transmise?s?|envoyée?s?|adressée?s?|traitée?s?|examinée?s?|étudiée?s?|communiquée?s?"
    r"|notifiée?s?|remboursée?s?|débitée?s?|créditée?s?|livrée?s?|expédiée?s?|publiée?s?|affichée?s?|restituée?s?|contactée?s?"
    r"|recontactée?s?|rappelée?s?|informée?s?|prévenue?s?|convoquée?s?|proposée?s?|organisée?s?|installée?s?|délivrée?s?|émise?s?|effectuée?s?|faite?s?|réalisée?s?)"
)
# An office will do it by then: `La MDPH fera parvenir`, `sera viré`, `je m'en charge`.
BY_AN_OFFICE = pattern(
    r"\b(?:la|le|les|l['’])\s?"
    r"(?:MDPH|CAF|CPAM|caisse|commission|CDAPH|rectorat|tribunal|service|département|école|équipe)\b"
    r"[^.]{0,20}\b(?:fera|feront|demande|transmettra|rendra|enverra|statuera|répondra|versera|communiquera|donnera)\b"
    rf"|(?<!\bne\s)\b(?:sera|seront|serez|est|a été|ont été)\s(?:\w{{1,14}}\s)?{DONE}(?!\w)"
    r"|\bnous\s(?:vous\s)?(?:\w{1,4}\s)?(?:enverrons|verserons|transmettrons|ferons|répondrons|adresserons|prélèverons)\b"
    r"|\b(?:MDPH|CAF|CPAM|caisse|commission|CDAPH|rectorat|tribunal|service|département|école|équipe|mairie|council|school|panel)\s"
    r"(?:doit|devra|must)\s(?!recevoir|être|avoir|disposer|receive|be\b|have)"
    r"|\bdevrai(?:t|ent)\s(?:vous\s)?(?:aboutir|intervenir|arriver|avoir\slieu|être\s\w{2,14}ée?s?)\b"
    r"|\b(?:la|le|les|l['’])\s?(?!famille|parent|assuré)\w{3,20}(?:\s\w{3,20}){0,2}\s(?:a|ont|dispose(?:nt)?)\sjusqu"
    r"|je\sm['’]en\scharge|\b(?:nous\snous|je\sm['’])\s?engage(?:ons)?\sà\b|\b(?:I|we)(?:['’]ll|\swill)\b|(?<!sans\s)(?<!absence\sde\s)\bréponse\sde\s(?:notre|leur)\spart\b|\bréponse\s(?:du\b|de\s(?:la\s|l')(?:MDPH|CAF|CPAM|caisse|commission|mairie|école|administration))|\bsi\svous\sn(?:e\srecevez|'avez)\s(?:rien|pas|aucun)|\bpar\sle\slycée\b",
    re.IGNORECASE,
)
# Any other subject's future: `le chauffeur passera`, `nous reviendrons`, `vous recevrez`, `the council will`.
WILL_ACT = pattern(
    r"\bvous\s(?:recevrez|serez|aurez\s(?:une|notre|la)\sréponse|obtiendrez)\b"
    r"|\b(?:je|j'|nous|on)\s?(?:(?:vous|te|t'|lui|leur|le|la|les|l'|y|en|ne)\s?){0,3}"
    r"(?!(?:ser|devr|attendr|compter|saur|aur|recevr|pourr|demander|accepter)(?:ai|ons|a)\b)\w{2,14}(?:rai|rons|era)\b"
    r"|\b(?:sera|seront)\s(?:\w{1,14}\s)?(?!clos|clôtur|fermé|ouvert|class|reje|renvoy|retourn|dépos|régl|pay|acquitt|complét|rempl|sign|fourn|join|plus\b|due?s?\b)"
    r"\w{2,14}(?:ée?s?|ise?s?|ite?s?|ue?s?)\b"
    r"|\b(?:nous|je|on|j')\s?(?:prévoyons|espérons|comptons|pensons|envisageons|prévois|espère|compte|pense)\s(?!sur\b)"
    r"|\bj'aurai\s(?:la|le|une?|votre|vos)\b|\bprochain\s(?:versement|virement|paiement)\b"
    r"|\b(?:je|j'|nous)\s(?:(?:vous|te|t'|lui)\s?)(?:rappelle|envoie|réponds|transmets|recontacte|reviens|tiens|adresse"
    r"|remboursons|versons|envoyons|adressons|transmettons|livrons|recontactons|contactons|répondons)\b"
    r"|\b(?!(?:devra|faudra|pourra|sera|aura|vaudra|caméra|opéra|extra|ultra|seront|auront|devront|pourront|attendra|conviendra)\b)"
    r"\w{2,14}(?:era|ira|dra|tra|vra|rra|ront)\b"
    r"|\b(?:la|le|l'|Mme|Mlle|M\.|Dr|notre)\s?(?:\S{1,18}\s){1,4}?"
    r"(?:l['’])?(?:envoie|transmet|contacte|adresse|rédige|fournit|verse|rappelle|dépose|remet)\s"
    r"|\b(?:I|we|he|she|it|they|(?:the|our|your)\s(?:\w{1,14}\s){1,3})(?:['’]ll|\s?will|\s?(?:aim|hope|expect|plan)s?\sto)\b"
    r"|\byou\swill\s(?:receive|get|hear|be)\b",
    re.IGNORECASE,
)
BY_THE_READER = pattern(
    r"\bpar\s(?:vos\ssoins|vous|les\sparents|la\sfamille)\b|\b(?:hear|reply|response)\sfrom\syou\b", re.IGNORECASE
)
# The reader's own duty, whatever else the sentence says.
REQUEST = pattern(
    r"\b(?:merci|veuillez|prière|prié|devez|devrez|devra|devront|doit|doivent|faut|faudra|pouvez|pourrez|please|must|should"
    r"|sans\s(?:réponse|nouvelles?|retour)|à\sdéfaut|faute\sde|si\svous|pensez|demandons|prions"
    r"|you\s(?:can|may|have|need)|date\slimite|dernier\sdélai|à\s(?:\w{3,12}(?:er|ir)|rendre|remettre)"
    r"|(?!assez|recevrez|serez|obtiendrez|aurez)\w{3,12}ez(?!-))\b",
    re.IGNORECASE,
)


# Those who read the letter, or for whom the reader acts.
READER = pattern(
    r"\b(?:parents?|familles?|responsables?\slégal|représentants?\slégal|élèves?|enfants?|candidate?s?|assurée?s?"
    r"|bénéficiaires?|intéressée?s?|allocataires?|déclarante?s?)\b",
    re.IGNORECASE,
)
# Somebody's promise or duty: the reader's if the sentence is about the reader.
OWES = pattern(
    r",\squi\s(?:doi(?:t|vent)|devr(?:a|ont))\s(?!être|avoir|parvenir|arriver)"
    r"|\bs['’](?:engagent?|est\sengagée?|sont\sengagée?s)\sà\b|\bil\sappartient\s(?:à|au)\b|\b(?:doi(?:t|vent)|devr(?:a|ont))\s(?:vous\s|me\s|se\sprononcer|statuer|rendre\s(?:sa|son|leur)\s(?:avis|décision|rapport))"
    r"|\b(?:a|ai|ont|avons)\sdemandé\s(?:à|au|aux)\s|\b(?:promis|annoncé)\s(?:une?|la|le|que|de)\b"
    r"|\b(?:ils|elles)\s(?:doivent|vont|répondent|reviennent|rappellent|envoient|statuent)\b"
    r"|\b(?:rapport|expertise|enquête)\s(?:du|de\s(?:la|l'))\s?\w[^.]{0,40}\sdoi(?:t|vent)\sêtre\b"
    r"|\b(?:rapport|expertise|enquête)\s(?:du|de\s(?:la|l'))\s?\w[^.]{0,40}\sdevr(?:a|ont)\sêtre\b",
    re.IGNORECASE,
)
# `Tout dossier reçu après le |2 avril| sera …`: what the reader sends, whatever happens to it.
SENT_BY_THE_READER = pattern(
    r"\b(?:déposée?s?|reçue?s?|transmise?s?|parvenue?s?|arrivée?s?|envoyée?s?|remise?s?|rendue?s?|complète?s?)\s"
    r"(?:(?:avant|après|jusqu'au|au\splus\stard)\s)?(?:le\s)?\Z",
    re.IGNORECASE,
)


# What the reader is told to do, whoever acted before in the sentence.
TOLD = pattern(
    r"\b(?:veuillez|merci\sde|faites|dites|\w{3,12}ez-(?:moi|nous|le|la|les)|vous\sdevez|vous\sappartient|à\svous\sde)\b",
    re.IGNORECASE,
)


def is_by_an_office(before: str, after: str) -> bool:
    """Whether somebody else than the reader does what the sentence says, around a day of it."""
    around = f"{before} {after}"
    if found := BY_AN_OFFICE.search(around):
        is_asked = BY_THE_READER.search(around) or TOLD.search(before, min(found.end(), len(before)))
        return not is_asked and not (found.start() >= len(before) and SENT_BY_THE_READER.search(before))
    if OWES.search(before):
        return not READER.search(before)
    subject = before.rpartition(", ")[2]
    acts = WILL_ACT.search(subject)
    if not acts or REQUEST.search(before):
        return False
    return not READER.search(before, 0, len(before) - len(subject) + acts.end())


# Periods in which an office, not the reader, must answer.
PERIOD_OF_AN_OFFICE = pattern(
    r"(?:sans|(?<!votre\s)absence\sde|défaut\sde)\sréponse(?!\sde\s(?:votre|vous|la\spart\s(?:des|de\sla)\s(?:parents|famille)))|(?<!votre\s)\bsilence\b|\b(?:aura|auront)\slieu\b|\bse\stiendra|\b(?:commission|CDAPH|MDPH|administration|caisse|service)\b[^.]{0,30}"
    r"\b(?:dispose|a|statue|répond)\b|instruction|\bde\straitement|\bdélai\s(?:moyen|actuel|de\s(?:livraison|fabrication|réponse\sest))"
    r"|\blivraison\s(?:sous|dans)|\bremboursements?\ssous",
    re.IGNORECASE,
)


def is_period_of_an_office(before: str, after: str) -> bool:
    """Whether it is the time that an office has, not the reader, by the words around a period."""
    return bool(PERIOD_OF_AN_OFFICE.search(f"{before} {after}")) or is_by_an_office(before, "")
