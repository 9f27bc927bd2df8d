"""The labels of the kinds of facts, in the active language."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LABELS: dict[str, Promise] = {
    "deadline": _("Deadline"),
    "appointment": _("Appointment"),
    "end_of_rights": _("End of rights"),
    "decision": _("Decision"),
    "letter": _("Date of the letter"),
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
# Of a time limit that is counted from the letter's date: the day of its receipt is unknown.
MAY_END_LATER = _("{day} – perhaps later, depending on the day the letter came ({period})")


def label_of(kind: str) -> str:
    """The label of a kind of fact, in the active language."""
    return str(LABELS[kind])
