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
    rf"|(?<!\bne\s)\b(?:sera|seront|serez|est|a été|ont été)\s(?:(?!pas\b)\w{{1,14}}\s)?{DONE}(?!\w)"
    r"|\bnous\s(?:vous\s)?(?:\w{1,4}\s)?(?:enverrons|verserons|transmettrons|ferons|répondrons|adresserons|prélèverons)\b"
    r"|\b(?:MDPH|CAF|CPAM|caisse|commission|CDAPH|rectorat|tribunal|service|département|école|équipe|mairie|council|school|panel)\s"
    r"(?:doit|devra|must)\s(?!recevoir|être|avoir|disposer|receive|be\b|have)"
    r"|\bdevrai(?:t|ent)\s(?:vous\s)?(?:aboutir|intervenir|arriver|avoir\slieu|être\s\w{2,14}ée?s?)\b"
    r"|\b(?:la|le|les|l['’])\s?(?!famille|parent|assuré)\w{3,20}(?:\s\w{3,20}){0,2}\s(?:a|ont|dispose(?:nt)?)\sjusqu"
    r"|je\sm['’]en\s(?:charge|occupe)|\bc'est\s(?:moi|nous)\squi\b|\bpar\snos\ssoins\b|\bon\s(?:refait|fait|revoit|se\s(?:revoit|retrouve))\b|\b(?:je\sreviens|nous\srevenons)\svers\b|\b(?:équipe|commission|conseil|réunion|ESS)\b[^.]{0,20}\s(?:doit|devra)\s(?:se\stenir|avoir\slieu|se\sréunir)\b|\brecrutement\b|\b(?:nous\snous|je\sm['’])\s?engage(?:ons)?\sà\b|\b(?:I|we)(?:['’]ll|\swill)\b|(?<!sans\s)(?<!absence\sde\s)\bréponse\sde\s(?:notre|leur)\spart\b|\bréponse\s(?:du\b|de\s(?:la\s|l')(?:MDPH|CAF|CPAM|caisse|commission|mairie|école|administration))|\bsi\svous\sn(?:e\srecevez|'avez)\s(?:rien|pas|aucun)|\bpar\sle\slycée\b|\byou\sshould\s(?:receive|get|hear|be)\b",
    re.IGNORECASE,
)
# Any other subject's future: `le chauffeur passera`, `nous reviendrons`, `vous recevrez`, `the council will`.
WILL_ACT = pattern(
    r"\bvous\s(?:recevrez|serez|aurez\s(?:une|notre|la)\sréponse|obtiendrez)\b"
    r"|\b(?:je|j'|nous|on)\s?(?:(?:vous|te|t'|lui|leur|le|la|les|l'|y|en|ne)\s?){0,3}"
    r"(?!(?:ser|devr|boucler|clôturer|arrêter|attendr|compter|saur|aur|recevr|pourr|demander|accepter)(?:ai|ons|a)\b)\w{2,14}(?:rai|rons|era)\b"
    r"|\b(?:sera|seront)\s(?:\w{1,14}\s)?(?!clos|clôtur|fermé|ouvert|class|reje|renvoy|retourn|conserv|gard|réserv|dépos|régl|pay|acquitt|complét|rempl|sign|fourn|join|plus\b|due?s?\b)"
    r"\w{2,14}(?:ée?s?|ise?s?|ite?s?|ue?s?)\b"
    r"|\b(?:nous|je|on|j')\s?(?:essayons|essaie|tâchons|tentons|cherchons|faisons|prévoyons|espérons|comptons|pensons|envisageons|prévois|espère|compte|pense)\s(?!sur\b)"
    r"|\bj'aurai\s(?:la|le|une?|votre|vos)\b|\bprochain\s(?:versement|virement|paiement)\b"
    r"|\b(?:je|j'|nous)\s(?:(?:vous|te|t'|lui)\s?)(?:redis|donne|fais|rappelle|envoie|réponds|transmets|recontacte|reviens|tiens|adresse"
    r"|remboursons|versons|envoyons|adressons|transmettons|livrons|recontactons|contactons|répondons)\b"
    r"|\b(?!(?:restera|resteront|devra|faudra|pourra|sera|aura|vaudra|caméra|opéra|extra|ultra|seront|auront|devront|pourront|attendra|conviendra)\b)"
    r"\w{2,14}(?:era|ira|dra|tra|vra|rra|ront)\b"
    r"|\b(?:la|le|l'|Mme|Mlle|M\.|Dr|notre)\s?(?:\S{1,18}\s){1,4}?"
    r"(?:l['’])?(?:envoie|donne|rend|transmet|contacte|adresse|rédige|fournit|verse|rappelle|dépose|remet)\s(?!jusqu)"
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
    r"|bénéficiaires?|intéressée?s?|usagers?|personnes?|demandeu(?:r|se)s?|adhérente?s?|locataires?|clients?|étudiante?s?|jeunes?|mère|père|tut(?:eur|rice)s?|patiente?s?|titulaires?|débit(?:eur|rice)s?|requérante?s?|participante?s?|redevables?|apprentie?s?|foyer|allocataires?|déclarante?s?)\b",
    re.IGNORECASE,
)
# Somebody's promise or duty: the reader's if the sentence is about the reader.
OWES = pattern(
    r",\squi\s(?:doi(?:t|vent)|devr(?:a|ont))\s(?!être|avoir|parvenir|arriver)"
    r"|\bs['’](?:engagent?|est\sengagée?|sont\sengagée?s)\sà\b|\bil\sappartient\s(?:à|au)\b|\b(?:doi(?:t|vent)|devr(?:a|ont))\s(?:vous\s|me\s|se\sprononcer|statuer|rendre\s(?:sa|son|leur)\s(?:avis|décision|rapport))"
    r"|\b(?:a|ai|ont|avons)\sdemandé\s(?:à|au|aux)\s|\b(?:nous|me|m')\s?(?:a|ont|avait|avaient)\sdemandé|\ba\s(?:ordonné|désigné|missionné)\b|\b(?:promis|annoncé)\s(?:une?|la|le|que|de)\b"
    r"|\b(?:ils|elles)\s(?:doivent|vont|répondent|reviennent|rappellent|envoient|statuent)\b"
    r"|\b(?:rapport|expertise|enquête)\s(?:du|de\s(?:la|l'))\s?\w[^.]{0,40}\sdoi(?:t|vent)\sêtre\b"
    r"|\b(?:rapport|expertise|enquête)\s(?:du|de\s(?:la|l'))\s?\w[^.]{0,40}\sdevr(?:a|ont)\sêtre\b",
    re.IGNORECASE,
)
SENT = (
    r"(?:déposée?s?|reçue?s?|transmise?s?|parvenue?s?|arrivée?s?|envoyée?s?|remise?s?|rendue?s?|complète?s?|acceptée?s?"
    r"|modifiée?s?|présentée?s?|formulée?s?|formée?s?|postée?s?|adressée?s?|inscrite?s?)"
)
# Before the last day on which the reader's act counts, whatever the office does then. `Le médecin passe le` is none.
LAST_CALL = (
    r"(?:\bau-delà\sdu|(?:(?<!\best\s)(?<!\bsuis\s)(?<!\ba\s)\bpass\xe9|(?:\A|[,:(]\s?)passé)\sle|\b(?:demande|dossier|inscription|candidature|commande|réponse|réclamation|modification|annulation"
    r"|document|pièce|paiement|réservation)s?\b[^.]{0,50}\saprès\sle)"
)
# `Tout dossier reçu après le |2 avril| sera …`: what the reader sends, whatever happens to it.
SENT_BY_THE_READER = pattern(
    rf"(?:\b{SENT}\s(?:(?:avant|après|jusqu'au|au\splus\stard)\s)?(?:le\s)?|{LAST_CALL}\s)\Z",
    re.IGNORECASE,
)


# Without a verb: `Décision au plus tard |le 30 juin|`, `Ouverture de la classe avant |le 30 juin|`.
ACT_OF_AN_OFFICE = pattern(
    r"(?:\A|[:•|*–-]\s)\W*(?:prochaine?\s)?(?:décision|résultats?|notification|versement|virement|mise\sen\s(?:service|place)|ouverture|fin\sd(?:es?|u)"
    r"|envoi\sdes|révision|réévaluation|évaluation|contrôle|livraison|publication|affichage|installation|recrutement|reprise|rendez-vous\sde|paiement\spar(?!\s(?:carte|chèque)))\b"
    r"(?:(?!\bà\s(?:\w{1,5}\s)?\w{2,14}(?:er|ir|re)\b|inscri|candidat|acompte|solde|caution|participation)[^.,;:|]){0,50}"
    r"\b(?:avant|tard|d'ici|pour)\s(?:le\s|au\s)?(?:\w{4,8}di\s)?\Z",
    re.IGNORECASE,
)
# What the reader is told to do, whoever acted before in the sentence.
TOLD = pattern(
    r"\b(?:veuillez|merci\sd(?:e\b|')|faites|dites|\w{3,12}ez-(?:moi|nous|le|la|les)|vous\sdevez|vous\sappartient|à\svous\sde)\b",
    re.IGNORECASE,
)


# `Le pneumologue doit rédiger le renouvellement |avant cette date|`.
DOES_IT = pattern(
    r"\b(?:le|la|les|l'|notre|nos)\s?(?!parent|famille|dossier|demande|élève|enfant|paiement|règlement|inscription|réponse|recours|pièce|document|formulaire|certificat|chèque)\w{4,20}\s(?:\w{4,20}\s){0,2}(?:doi(?:t|vent)|va|vont|devra|devront)\s"
    r"(?:(?:le|la|les|vous)\s|l')?(?!être|nous|parvenir|arriver|avoir|débuter|commencer|rester|figurer|intervenir)\w{3,14}(?:er|ir|re)\b"
    r"|\b(?:le|la|l'|un|une)\s?(?!famille|parent)\w{4,20}\s(?:\w{4,20}\s)?(?:passe|vient|examine|statue|décide|intervient)\s(?!par\b)"
    r"|\b(?:je\sdois|nous\sdevons|on\sdoit)\s(?!(?:les?\s|la\s)?(?:recevoir|avoir|disposer|être|pouvoir|obtenir|connaître|savoir))(?:vous\s|le\s|la\s|les\s)?\w{3,14}(?:er|ir|re)\b"
    r"|\b(?:je|nous|on)\s(?:vous\s)?devr(?:ais|ions|ait)\s(?!recevoir|avoir)|\bvous\sdevriez\s(?:recevoir|avoir|obtenir|être)\b",
    re.IGNORECASE,
)


IS_LAST_CALL = pattern(rf"{LAST_CALL}\s\Z", re.IGNORECASE)
# `Pas de place avant le |2 avril|`: the earliest day; not so `sans réponse avant le |2 avril|`.
NOT_BEFORE = pattern(
    r"\b(?:pas|aucune?|jamais|impossible|n['e]\s?[^.,;:]{1,30}\splus)\b"
    r"(?:(?!\b(?:merci|faut|à\s\w{3,14}(?:er|ir|re)|(?!rendez)\w{3,12}ez)\b)[^.,;:]){0,60}\bavant\s(?:le\s)?(?:\w{4,8}di\s)?\Z",
    re.IGNORECASE,
)
UNLESS = pattern(r"\b(?:sauf|faute|défaut|sans|à\smoins\sque)\b", re.IGNORECASE)
ON_CONDITION = pattern(
    r"\b(?:si|qui|s'il|faute|défaut|sans|tant|quand|lorsque|oubli\w{0,3}|tard\w{0,3}|hésit\w{0,3}|attend\w{0,3}|plus\stard|que)\b",
    re.IGNORECASE,
)


def is_by_an_office(before: str, after: str) -> bool:
    """Whether somebody else than the reader does what the sentence says, around a day of it."""
    around = f"{before} {after}"
    if IS_LAST_CALL.search(before):
        return False
    is_first_day = NOT_BEFORE.search(before) and not ON_CONDITION.search(before)
    does_it = not READER.search(before) and DOES_IT.search(before)
    is_done_by_others = does_it and not REQUEST.search(f"{before[does_it.end() :]} {after}")
    if is_first_day or ACT_OF_AN_OFFICE.search(before) or is_done_by_others:
        return True
    if found := BY_AN_OFFICE.search(around):
        is_asked = BY_THE_READER.search(around) or TOLD.search(before, min(found.end(), len(before)))
        is_consequence = SENT_BY_THE_READER.search(before) or UNLESS.search(before)
        return not is_asked and not (found.start() >= len(before) and is_consequence)
    if OWES.search(before):
        return not READER.search(before)
    subject = before.rpartition(", ")[2]
    acts = WILL_ACT.search(subject)
    if not acts or REQUEST.search(before):
        return False
    return not READER.search(before, 0, len(before) - len(subject) + acts.end())


# Periods in which an office, not the reader, must answer.
PERIOD_OF_AN_OFFICE = pattern(
    r"\bnous\s(?:(?:en|les?|la|y|nous)\s)?(?!demandons|prions|remercions|invitons|laissons|accordons|donnons|attendons|devons|souhaitons|avons|vous)\w{3,14}ons\b"
    r"[^.,;]{0,40}\s(?:sous|dans|en)\s|\bhors\sdélai\b|\b(?:sont|restent|reste)\s(?:\w{1,14}\s)?"
    + DONE
    + r"\s(?:sous|dans|en)\b"
    r"|(?:sans|(?<!votre\s)absence\sde|défaut\sde)\sréponse(?!\sde\s(?:votre|vous|la\spart\s(?:des|de\sla)\s(?:parents|famille)))|(?<!votre\s)\bsilence\b|\b(?:aura|auront)\slieu\b|\bse\stiendra|\b(?:commission|CDAPH|MDPH|administration|caisse|service)\b[^.]{0,30}"
    r"\b(?:dispose|a|statue|répond)\b|instruction|\bde\straitement|\bdélais?\s(?:moyen|actuel|d'(?:attente|obtention|examen)|de\s(?:livraison|fabrication|réponse\sest))"
    r"|\blivraison\s(?:sous|dans)|\bremboursements?\ssous",
    re.IGNORECASE,
)
# How long an office takes: `La MDPH vous répondra |sous 15 jours|`, `Comptez |un délai de 2 à 4 mois|`.
TAKES = pattern(
    r"\b(?:répondr(?:a|ont)|statuer(?:a|ont)|interviendr(?:a|ont)|parviendr(?:a|ont)|vous\srecevrez"
    r"|(?:délais?|durée|temps)\s(?:\w{1,10}\s)?(?:de|du)\straitement)\b",
    re.IGNORECASE,
)
# Directly before a period.
COUNT_WITH = pattern(
    r"\b(?:comptez|patientez|(?:faut|devez|devrez|veuillez)\s(?:compter|patienter|prévoir)|prend|prendra)\s"
    r"(?:(?:une?|en|moyenne|environ|actuellement|donc|encore|alors|généralement|au|moins|minimum)\s){0,4}\Z",
    re.IGNORECASE,
)
CLAUSE_END = re.compile(r"[,:]\s|\s(?:et|ou)\s", re.IGNORECASE)
# What is left to the reader in such a clause: `Vous recevrez un titre payable |sous 30 jours|`.
LEFT_TO_THE_READER = pattern(
    r"\bà\s(?:(?:nous|me)\s|m')?(?!(?:votre|notre|autre|titre)\b)\w{3,12}(?:er|ir|re)\b"
    r"|\brecours\b|contest|\bformée?s?\b|\bvous\savez\b|\b(?:attendue?s?|exigée?s?|payables?)\b",
    re.IGNORECASE,
)


def is_time_taken_by_an_office(before: str, period: str) -> bool:
    """Whether a period is how long an office takes, by the sentence up to it, which asks for nothing."""
    if COUNT_WITH.search(before):
        return True
    clause = CLAUSE_END.split(before)[-1] + period
    is_asked = REQUEST.search(before + period) or LEFT_TO_THE_READER.search(clause)
    return TAKES.search(clause) is not None and not is_asked


def is_period_of_an_office(before: str, after: str) -> bool:
    """Whether it is the time that an office has, not the reader, by the words around a period."""
    return bool(PERIOD_OF_AN_OFFICE.search(f"{before} {after}")) or is_by_an_office(before, "")
