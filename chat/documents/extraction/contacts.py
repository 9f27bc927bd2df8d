"""Distinguishes an office's telephone numbers and e-mail addresses in a letter from those of a person.

An office's contacts are sent to the AI. Identifiers of persons are masked; an unclear contact counts as a person's.
"""

from __future__ import annotations

import re

from observability import masking
from observability.masking import Identifier

BEFORE, AFTER = 80, 40  # characters around a contact that are searched for its owner
OFFICE = re.compile(
    r"accueil|standard|secr[ée]tariat|\bservices?\b|contact|joindre|joignable|appele[rz]|t[ée]l[ée]phone[rz]|renseignement"
    r"|question|permanence|\bligne\b|horaires|ouvert|\bnous\b|\bnotre\b|\b(?:MDPH|MDA|CAF|MSA|CPAM|CDAPH|DSDEN|CCAS)\b"
    r"|maison d[ée]partementale|caisse|[ée]cole|coll[èe]ge|lyc[ée]e|rectorat|tribunal|mairie|h[ôo]pital"
    r"|conseil d[ée]partemental",
    re.IGNORECASE,
)
PERSON = re.compile(
    r"\b(?:votre|vos|mon|ma|leur|portable|domicile|m[èe]re|p[èe]re|parents?|repr[ée]sentante?|responsable|famille|assur[ée]e?"
    r"|b[ée]n[ée]ficiaire|allocataire|demandeu(?:r|se)|patiente?|usag[èe]re?|M\.|Mme|Monsieur|Madame)\b[^.;]{0,40}\Z",
    re.IGNORECASE,
)
MOBILE = re.compile(r"(?:\+?33|0)\D{0,3}0?\D{0,2}[67]")
# Domains of mail providers for private persons.
PRIVATE_DOMAIN = re.compile(
    r"@ ?(?:gmail|hotmail|outlook|live|msn|yahoo|ymail|icloud|me|gmx|proton(?:mail)?|orange|wanadoo|free|sfr|neuf|bbox"
    r"|laposte|numericable|aol)\.",
    re.IGNORECASE,
)
# Local parts of addresses that begin with a role. Any other may be a name.
ROLE = re.compile(
    r"(?:contact|accueil|infos?|mdph|mda|caf|cpam|secretariat|ecole|college|service|courrier|direction|scolarite|ce\.)"
    r"[\w.-]{0,40} ?@",
    re.IGNORECASE,
)


def without_identifiers(text: str) -> str:
    """The text of a letter with the identifiers of persons masked, and the contacts of offices left."""
    return masking.hide(text, (found for found in masking.find(text) if not _is_of_an_office(text, found)))


def _is_of_an_office(text: str, found: Identifier) -> bool:
    written = text[found.start : found.end]
    before = text[max(0, found.start - BEFORE) : found.start]
    if PERSON.search(before[-50:]):
        return False
    if found.kind == "email":
        return ROLE.match(written) is not None and not PRIVATE_DOMAIN.search(written)
    after = text[found.end : found.end + AFTER].partition("\n")[0]
    is_fixed_line = found.kind == "phone" and not MOBILE.match(written)
    return is_fixed_line and OFFICE.search(f"{before} {after}") is not None
