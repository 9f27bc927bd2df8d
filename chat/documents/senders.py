"""Who writes: the bodies that families hear from."""

from __future__ import annotations

import re

from chat.documents.facts import Sender, SenderKind

# Their names for people, and how they are recognised. What a body does is no sign: everybody cites the MDPH.
SENDERS: dict[SenderKind, tuple[str, str]] = {
    "mdph": ("MDPH", r"\bMDPH|\bMDA\b|maison départementale (?:des personnes handicapées|de l['’]autonomie)|\bCDAPH\b"),
    "caf": ("CAF", r"\bcaf\b|caisse d['’]allocations familiales"),
    "msa": ("MSA", r"\bMSA\b|mutualité sociale agricole"),
    "cpam": ("Assurance maladie", r"\bCPAM\b|assurance maladie"),
    "school": (
        "Éducation nationale",
        r"\bécole\b|\bcollège\b|\blycée\b|rectorat|académie de|éducation nationale|\b(?:DSDEN|CNED|PIAL)\b|maîtresse",
    ),
    "court": ("Tribunal", r"\btribunal\b|cour d['’]appel"),
    "department": ("Département", r"conseil départemental|\bdépartement d|conseil régional|\brégion [A-Z]"),
    "tax": ("Finances publiques", r"finances publiques|trésor public"),
    "town": ("Mairie", r"\bmairie\b|\bville de\b|\bCCAS\b"),
    "hospital": ("Hôpital", r"\bhôpital\b|centre hospitalier|\bCHU\b|\bCHR?U\b"),
    "care": (
        "Établissement médico-social",
        r"\bIME\b|\bSESSAD\b|\bCAMSP\b|\bCMPP\b|\bESAT\b|\bITEP\b|\bSAVS\b|foyer de vie",
    ),
}
NAMED = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, (_, pattern) in SENDERS.items()), re.IGNORECASE)
# Nobody signs with these words before the name: `notifiée par la MDPH`, `transmettre à la CAF`.
CITED = re.compile(
    r"\b(?:par|à|auprès de|décision de|notification de|contre|avec|dans|pour)\s(?:la |le |l['’]|une? |votre )?\Z",
    re.IGNORECASE,
)
DECIDES = re.compile(r"\bCDAPH\b|commission des droits et de l['’]autonomie")  # the MDPH tells families what it decides
HEAD, FOOT = 300, 200  # characters: where letters say who writes


def sender_of(text: str) -> Sender | None:
    """Who is named in the letter's head, else in its foot; None when nobody we know is and no decision is told."""
    for place in (text[:HEAD], text[max(HEAD, len(text) - FOOT) :]):
        for found in NAMED.finditer(place):
            kind = found.lastgroup
            if kind in SENDERS and not CITED.search(place[: found.start()]):
                return Sender(kind, SENDERS[kind][0])
    return Sender("mdph", SENDERS["mdph"][0]) if DECIDES.search(text) else None
