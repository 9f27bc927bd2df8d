"""The provenance of answers, wherever it is kept."""

from __future__ import annotations

from chat.storage import provenance
from chat.storage.provenance import Provenance


def find_provenance(correlation_id: str) -> list[Provenance]:
    """The records of all answers delivered under this correlation id, in conversations and elsewhere, latest last."""
    elsewhere = provenance.find_elsewhere(correlation_id)
    return [*provenance.find_in_conversations(correlation_id), *(elsewhere or ())]
