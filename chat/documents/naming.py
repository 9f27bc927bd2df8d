"""What the kinds of facts are called, in the language that is active."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NAMES: dict[str, Promise] = {
    "deadline": _("Deadline"),
    "appointment": _("Appointment"),
    "decision": _("Decision"),
    "birth": _("Birth"),
    "other": _("Date"),
    "amount": _("Amount"),
    "file": _("File number"),
    "beneficiary": _("Beneficiary number"),
    "form": _("Form (Cerfa)"),
    "social_security": _("Social security number"),
    "pupil": _("Pupil number"),
    "candidate": _("Candidate number"),
    "member": _("Member number"),
    "contract": _("Contract number"),
    "invoice": _("Invoice number"),
    "sender": _("From"),
}


def named(kind: str) -> str:
    """The name of a kind of fact."""
    return str(NAMES[kind])
