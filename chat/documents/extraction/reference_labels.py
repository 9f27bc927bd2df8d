"""The words before the reference numbers of a letter: `n° de dossier`, `allocataire`, `Nos réf. :`."""

from __future__ import annotations

import re

from chat.documents.facts import ReferenceKind

SIGN = r"(?:(?i:n[°º]s?|nos(?=\s\d)|num[ée]ros?|no\.?|number|code|ID)(?![a-zà-ÿ])|\#)"
COLON = r"\s{0,20}[:.]?\s{0,20}\(?"
OF = r"\s{0,2}(?i:de\s(?:la\s|l['’])?|du\s|d['’])?"
WORD = (
    r"(?:\s(?!(?i:cerfa)\b)(?:[a-zà-ÿ'’]{1,14}|[A-ZÀ-Ý'’/-]{1,14}|[A-ZÀ-Ý][A-Za-zÀ-ÿ]{1,10}/[A-Za-zÀ-ÿ]{2,10})"
    r"(?=[\s:]))"
)
NUMBER = (
    r"(?!(?:RG|IPP|NIP|IEP|NDA|RDV|AVS|NAS|NISS|MDPH|CAF)\s)"
    r"(?=[A-Za-z/._-]{0,24}\d|(?:[A-Z]{1,3}|[A-Z]{2,6}[-/][A-Z]{2,6})[ ]\d)"
    r"([A-Z\d](?:[A-Za-z\d/._-]{0,38}[A-Za-z\d])?(?:/?n°[ ]?\d+)?"
    r"(?:[ ]/[ ](?!TVA|TTC|HT\b)(?:\d{1,4}|[A-Z]{2,3})(?![\w/.])){0,3}"
    r"(?:[ ](?!\d\d?/\d)(?:\d{1,9}(?:[/.-][\dA-Z]{1,10}){0,3}|[A-Z]\d{2,4}"
    r"|(?!D[UE]\b|M\.\s[A-Z])[A-Z]{1,3}(?=\s|$|[.,;)])"
    r"|[A-Z]{4,6}(?=[ ]\d{3})|bis\b|ter\b)(?![\w€%])){0,6})"
)


def _by_first_letter(nouns: str) -> str:
    """The alternation, grouped: at most words one letter is tried instead of each noun, which halves the time."""
    groups: dict[str, list[str]] = {}
    for noun in re.split(r"\|(?![^()]*\))", nouns):
        groups.setdefault(noun[0], []).append(noun[1:])
    return "|".join(f"[{first}{first.upper()}](?i:{'|'.join(rest)})" for first, rest in groups.items())


def _after(noun: str) -> str:
    """`n° de dossier : 12`, `dossier n° 12`, `dossier : 12`: the noun with a sign or a colon."""
    return (
        rf"(?<!\w)(?:{SIGN}{OF}(?:{noun})s?{WORD}{{0,4}}{COLON}"
        rf"|(?:{noun})s?{WORD}{{0,5}}\s{{0,20}}(?:{SIGN}{COLON}|:\s{{0,20}})){NUMBER}"
    )


# Nouns before a reference number with a sign or a colon, and those before one without.
FILE = (
    _by_first_letter(
        r"dossier|r[ée]f(?:[ée]rences?|s)?\b\.?|r[ôo]le\sg[ée]n[ée]ral|identifiant|patient|usager|s[ée]jour|devis|client|fiscal|cesu|commande|c(?:m)?de\b|mandat|individu|saisine"
        r"|portalis|sinistre|bordereau|titre|mise\sen\sdemeure|avis|courrier|requ[êe]te|proc[ée]dure|immatriculation"
        r"|d[ée]compte|convention|minute|venue|t[ée]l[ée]service"
        r"|matricule|coupon(?:-photo)?|talon|famille|foyer|personnel|suivi|r[ée]servation|r[ée]c[ée]piss[ée]|demande|communication"
        r"|locataire|soci[ée]taire|compte|cr[ée]ance|pr[êe]t|note|re[çc]u|quittance|avoir|relev[ée]|affaire|acte"
        r"|case|claim|policy|file|reference|ref|customer|account|booking|ticket|application|order|notice|enquiry"
    )
    + r"|[ÉéEe](?i:l[èe]ve)|IPP|NIP|IEP|R\.?G\.?|NDA"
)
TO_QUOTE = r"(?i:[àa]\s(?:rappeler|mentionner|indiquer|reporter|citer|pr[ée]ciser))"
CLOSE = (
    _by_first_letter(
        r"dossier|locataire|soci[ée]taire|compte|acte|pr[êe]t|cr[ée]ance|claim|policy|file|case|portalis|affaire|commande|c(?:m)?de\b\.?|individu|saisine|note\sd'honoraires|bordereau|devis|matricule|sinistre|quittance|minute|titre(?:\sde\srecettes?)?|police|r[ôo]le(?:\sg[ée]n[ée]ral)?|identifiant|famille|foyer|usager|client|patient|abonn[ée]|r[ée]f(?:[ée]rences?)?\b\.?"
    )
    + r"|IPP|NIP|IEP|RG|NDA"
)
# Nouns before a code of five digits or more, or of letters and digits, without a sign or a colon.
BEFORE_A_CODE = _by_first_letter(
    r"demande|r[ée]clamation|convention|colis|badge|courrier|s[ée]jour|relev[ée]|re[çc]u|mandat|avis|requ[êe]te|d[ée]compte"
    r"|pdl|bl\b|dos\.|doss\.|fact\.|entente\spr[ée]alable|police\sd'assurance|ticket|t[ée]l[ée]service|r[ée]servation|prescription"
    r"|enqu[êe]te|d[ée]claration|parquet|pv\b|exp[ée]dition|application|booking|notice|customer|order"
)
# Nouns before a column of numbers: `Numéro fiscal        30 12 456 789 015`.
IN_COLUMN = _by_first_letter(
    r"dossier|r[ée]f(?:[ée]rences?|s)?\b\.?|num[ée]ro|identifiant|matricule|client|contrat|facture|usager|avis|adh[ée]rent|allocataire"
    r"|coupon(?:-photo)?|talon|account|reference|case|claim|invoice|policy|file"
)
# At the head of a line, but of no reference.
NO_LABEL = (
    r"(?!(?i:montant|total|solde|somme|prix|revenu|quotient|capital|loyer|population"
    r"|bic|code|mot|pin|pass|bonjour|date|le|du|au)\b)"
)
REFERENCES: dict[ReferenceKind, re.Pattern[str]] = {
    "beneficiary": re.compile(
        rf"\b(?:{SIGN}\s?(?i:d['’]|de\s)?(?i:allocataire)|(?i:allocataire)\s{SIGN}|(?i:matricule|mat\.)"
        rf"|(?i:alloc(?:ataire|\.)?)(?=\s?:?\s\d)){COLON}"
        r"(\d{1,2}\s\d{3}\s\d{3}(?:\s[A-Z]\b)?|\d{4}\s\d{3}(?:\s[A-Z]\b)?|\d{5,8}(?:\s?[A-Z]\b)?)"
    ),
    "form": re.compile(rf"\b(?i:cerfa)\s{{1,2}}(?:{SIGN}\s{{0,2}})?(\d{{5}}(?:\*\d\d)?)"),
    "pupil": re.compile(rf"\b(?:INE|{SIGN}\s?(?:INE|(?i:d['’])?(?i:élève))){COLON}{NUMBER}"),
    "candidate": re.compile(_after("(?i:candidate?)")),
    "member": re.compile(rf"{_after('(?i:adh[ée]rente?|member)')}|\b(?:ADH[ÉE]RENT|(?i:adhérente?))\s(?=\d){NUMBER}"),
    "contract": re.compile(
        rf"{_after('(?i:contrat)')}"
        rf"|\b(?i:contrat)\s{{1,4}}(?:(?:d['’]|de\s)?[a-zéè]{{4,14}}\s)?(?=[A-Z]{{0,3}}[- ]?\d){NUMBER}"
    ),
    "invoice": re.compile(
        rf"{_after('(?i:facture|invoice)|F A C T U R E')}"
        rf"|\b(?i:factures?|invoices?)\s\(?(?=[A-Z]{{1,4}}-?\d|\d{{2,6}}[-/]\d|\d{{4,10}}(?!\w|[.,]\d|[ ]\d)){NUMBER}"
    ),
    "file": re.compile(
        rf"""
        {_after(FILE)}
        |(?<!\w)(?:{CLOSE})(?:\s(?:[A-Z]{{2,8}}|(?!de\s|du\s|pages?\s|suivi|reçu|le\s|n)[a-zà-ÿ]{{2,12}}))??\s{{1,3}}(?=[A-Z]{{0,6}}[-/]?[A-Z]{{0,3}}[\d/]|[A-Z]{{1,2}}\s\d){NUMBER}
        |(?<!\w)(?:{BEFORE_A_CODE})\s{{1,3}}(?!\d{{5}}\s[A-ZÀ-Ý])
          (?=[A-Z]{{1,6}}[-/]?\d|(?:\d[-/.A-Z ]{{0,2}}){{5}}){NUMBER}
        |(?i:\b(?:identifiant|num[ée]ro|n°|code|dossier|r[ée]f[ée]rence)\b[^\n.:;\d]{{0,30}}\s(?:est|reste|sera|porte)\s(?:le\s)?(?:n°\s?|num[ée]ro\s)?)
          (?=[A-Z]{{0,6}}[-/]?\d){NUMBER}
        |\b{TO_QUOTE}[^\n:]{{0,60}}:\s{{0,3}}(?=[A-Z/-]{{0,10}}\d){NUMBER}
        |(?i:lettre\s(?:suivie|recommand[ée]e)(?:\savec\sA\.?R\.?)?|indu|cr[ée]ance)\s(?=[A-Z\d]{{1,5}}\s?\d){NUMBER}
        |\b(?:LRAR|A\.?R\.?|[Rr]ecommandée?)\s(?=\d[A-Z]\s\d{{3}}){NUMBER}
        |\bRUM\b\)?{COLON}\+{{0,2}}{NUMBER}
        |(?<!\w)(?:{SIGN}|(?i:r[ée]f[ée]rences?|r[ée]f\.?|dossier))[^\n:]{{0,20}}\s{TO_QUOTE}[^\n:]{{0,60}}:\s{{0,10}}{NUMBER}
        |(?i:r[ée]f[ée]rences?\sà\srappeler)\s{{0,3}}:[^\n]{{0,120}}\n\s{{0,20}}{NUMBER}
        |(?<!\w)(?:{SIGN}{OF})?(?:{IN_COLUMN}){WORD}{{0,4}}(?:\s\([^()\n]{{1,20}}\))?(?:[ ]{{3,40}}|\t)
          (?=[\dA-Z/._-]{{0,12}}\d){NUMBER}
        |(?i:annule\set\sremplace\s(?:le|la|les)\s(?:n°\s?)?|replaces\s)(?=[\dA-Z/._-]{{0,12}}\d){NUMBER}
        |(?i:\b(?:objet|concerne|subject|re|sujet))\s?:[^\n]{{0,80}}?(?<=[\s(\[])(?=[A-Z]{{2,6}}[-/.]?\d)
          ([A-Z]{{2,6}}[/.-]\d[\w/.-]{{1,20}}[\dA-Z]|[A-Z]{{2,6}}\d{{5,10}})(?=[\s)\],;]|$)
        # Any label at the head of a line or column: `SOCIÉTAIRE : 4 410 662 Z`.
        |(?:^|[ ]{{2}}|[|\t(–])[ ]{{0,3}}{NO_LABEL}[A-ZÀ-Ýa-zà-ÿ][a-zà-ÿA-ZÀ-Ý'’]{{2,20}}{WORD}{{0,3}}[ ]?:
          [ ]{{0,3}}(?=(?:[A-Z]{{0,3}}[ /]?\d[ ]?){{6}}){NUMBER}
        |(?i:\b(?:enregistr|r[ée]f[ée]renc|inscrit|class|immatricul|connu|identifi)\w{{0,4}}\s(?:sous|avec)\s(?:le|la|les)\s)
          (?:(?i:num[ée]ro|r[ée]f[ée]rence|n°)\s?:?\s?)?(?=[\dA-Z/._-]{{0,12}}\d){NUMBER}
        |\+\+\+\s?(\d{{3}}/\d{{4}}/\d{{5}})\s?\+\+\+
        |(?P<any_noun>(?<!\w)){SIGN}{OF}(?:(?:[A-ZÀ-Ý]?[a-zà-ÿ]{{2,20}}|[A-ZÀ-Ý]{{2,20}}(?=\s?:)){WORD}{{0,4}})?{COLON}{NUMBER}
        """,
        re.VERBOSE | re.MULTILINE,
    ),
}  # fmt: skip

# A word that every match of a rare kind has.
NOUNS: dict[ReferenceKind, re.Pattern[str]] = {
    "beneficiary": re.compile(r"[Aa]lloc|ALLOC|[Mm]at(?:ricule|\.)|MAT(?:RICULE|\.)"),
    "form": re.compile("[Cc]erfa|CERFA"),
    "pupil": re.compile("INE|[Éé]lève|[Ee]leve|ÉLÈVE"),
    "candidate": re.compile("[Cc]andidat|CANDIDAT"),
    "member": re.compile("[Aa]dh[ée]rent|ADH[ÉE]RENT|[Mm]ember|MEMBER"),
    "contract": re.compile("[Cc]ontrat|CONTRAT"),
    "invoice": re.compile("[Ff]acture|FACTURE|[Ii]nvoice|INVOICE|F A C T"),
}
