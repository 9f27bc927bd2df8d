"""A letter or a report that someone pastes or uploads: its text, and the facts found in it without the AI."""

from __future__ import annotations

from chat.documents.errors import DocumentError
from chat.documents.facts import Amount, Date, Facts, Reference, Sender
from chat.documents.finding import facts
from chat.documents.reading import Document, read
from chat.documents.references import discreet

__all__ = ["Amount", "Date", "Document", "DocumentError", "Facts", "Reference", "Sender", "discreet", "facts", "read"]
