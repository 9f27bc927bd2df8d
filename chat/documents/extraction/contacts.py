"""Distinguishes an office's telephone numbers and e-mail addresses in a letter from those of a person.

An office's contacts are sent to the AI. Identifiers of persons are masked; an unclear contact counts as a person's.
"""

from __future__ import annotations

import re

from observability import masking
from observability.masking import Identifier

BEFORE, AFTER = 80, 40  # characters around a contact that are searched for its owner
NAME = (
    r"(?:\b(?:MDPH|MDA|CAF|MSA|CPAM|CDAPH|DSDEN|CCAS|SESSAD|IME|ITEP|CMPP|CAMSP)\b|maison d[ée]partementale|caisse"
    r"|[ée]cole|coll[èe]ge|lyc[ée]e|rectorat|tribunal|mairie|h[ôo]pital|conseil d[ée]partemental)"
)
OFFICE = re.compile(
    r"accueil|standard|secr[ée]tariat|\bservices?\b|contact|joindre|joignable|appele[rz]|t[ée]l[ée]phone[rz]|renseignement"
    rf"|question|permanence|\bligne\b|horaires|ouvert|\bnous\b|\bnotre\b|{NAME}",
    re.IGNORECASE,
)
# What calls the office, not the reader: `nous vous rappelons |que l'accueil …`; `dès que possible` doesn't.
OFFICES_OWN = r"\b(?:(?<!d[èe]s\s)que|nos|notre|nous)\b|\n\n"
WILL_CALL = r"(?:r?appell?er|(?:re)?contacter|joindr)(?!\w{0,4}ez\b)\w{0,5}"
CALL = r"(?:r?appel|(?:re)?contact|joi)(?!\w{0,8}ez\b)\w{1,12}"
# The reader's: `nous vous rappellerons demain au`, `vous joindre :`; not `vous appellerez au`.
CALLED = re.compile(
    rf"\bvous\s(?:{WILL_CALL}(?:(?!{OFFICES_OWN})(?:t[ée]l\.|[^.;])){{0,60}}"
    rf"|{CALL}(?:(?!{OFFICES_OWN})[^.;]){{0,20}}\b(?:au|[àa]\sce|sur\s(?:le|ce))\snum[ée]ro\b[^.;]{{0,60}}"
    rf"|{CALL}\s?(?::|\s(?:au|sur)\b[^.;]{{0,15}})\s?)\Z",
    re.IGNORECASE,
)
# `votre mère`, `son numéro`: not `votre MDPH`.
PERSON = re.compile(
    rf"\b(?:(?:(?:votre|vos|leur)(?!\s{NAME})|mon|ma|son\s(?:num[ée]ro|t[ée]l|portable)|portable|domicile|m[èe]re|p[èe]re|parents?"
    r"|repr[ée]sentante?|responsable|famille|assur[ée]e?|b[ée]n[ée]ficiaire|allocataire|demandeu(?:r|se)|patiente?|usag[èe]re?"
    r")\b[^.;]{0,40}\Z)",
    re.IGNORECASE,
)
TITLE = r"(?:\bM\.|\b(?:Mme|Mlle|Monsieur|Madame)\b)"
TITLED = re.compile(rf"{TITLE}[^.;]{{0,40}}\Z", re.IGNORECASE)
# `Madame, Monsieur,` on a line of its own, before a sentence: nobody's name.
SALUTATION = re.compile(r"\n(?:(?:Madame|Monsieur),\s?(?:et\s|ou\s)?){1,2}\n+(?=[A-ZÀ-Ý])")
# `Service instruction - Mme Lefebvre - `, `Secrétariat de Mme Roux : `: who answers there, on a line of its own.
AGENT = re.compile(
    r"\n\W{0,5}(?:secr[ée]tariat\sde|(?:service|secr[ée]tariat|p[ôo]le|bureau|unit[ée])"
    r"(?:\s(?!dossier|concern|suivi|demand|usager|pour\b|avec\b|rendez|patient|famille|enfant|[ée]l[èe]ve|parent)[\w'-]{1,20}){0,5}"
    rf"\s?[-–—])\s{TITLE}\s(?:(?:le|la|de|du|des)\s)?[\w'-]{{2,30}}[^\w\n]{{1,4}}(?:t[ée]l\w{{0,7}}[^\w\n]{{0,3}})?\Z",
    re.IGNORECASE,
)
MOBILE = re.compile(r"(?:\+?33|[0Oo])\D{0,3}0?\D{0,2}[67]")
# Domains of mail providers for private persons.
PRIVATE_DOMAIN = re.compile(
    r"@ ?(?:gmail|hotmail|outlook|live|msn|yahoo|ymail|icloud|me|gmx|proton(?:mail)?|orange|wanadoo|free|sfr|neuf|bbox"
    r"|laposte|numericable|aol)\.",
    re.IGNORECASE,
)
# Local parts of addresses that begin with a role. Any other may be a name.
ROLE = re.compile(
    r"(?:contact|accueil|infos?|mdph|mda|caf|cpam|secretariat|ecole|college|service|courrier|direction|scolarite|ce\.)"
    r"[\w.-]{0,40} ?@"
    # Where a letter behind it could make it a name: `ime.lilas@`, not `imelda@`.
    r"|(?:relations?|usagers|greffe|p[ôo]le|standard|bureau|administration|vie-?scolaire|rectorat|tribunal|mairie|ccas|dsden"
    r"|sessad|ime|itep|cmpp|camsp)(?![a-z])[\w.-]{0,40} ?@",
    re.IGNORECASE,
)


def without_identifiers(text: str) -> str:
    """The text of a letter with the identifiers of persons masked, and the contacts of offices left."""
    return masking.hide(text, (found for found in masking.find(text) if not _is_of_an_office(text, found)))


def _is_of_an_office(text: str, found: Identifier) -> bool:
    written = text[found.start : found.end]
    before = text[max(0, found.start - BEFORE) : found.start]
    if found.start <= BEFORE:
        before = f"\n{before}"
    before = SALUTATION.sub("\n", before)
    is_agent = AGENT.search(before) is not None
    if PERSON.search(before[-50:]) or CALLED.search(before) or (TITLED.search(before[-50:]) and not is_agent):
        return False
    if found.kind == "email":
        return ROLE.match(written) is not None and not PRIVATE_DOMAIN.search(written)
    after = text[found.end : found.end + AFTER].partition("\n")[0]
    is_fixed_line = found.kind == "phone" and not MOBILE.match(written)
    return is_fixed_line and OFFICE.search(f"{before} {after}") is not None
