"""Deletions that come between two steps of the program."""

from __future__ import annotations

import pytest

from chat.history import deletions
from chat.history.recorder import TurnRecorder
from chat.models import Message


def delete_before_insert(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a person deletes their data just before a turn is stored: there are no rows yet."""
    insert = TurnRecorder._insert

    def delete_and_insert(self: TurnRecorder, answer: Message) -> bool:
        deletions.mark(self.conversation.owner)
        return insert(self, answer)

    monkeypatch.setattr(TurnRecorder, "_insert", delete_and_insert)
