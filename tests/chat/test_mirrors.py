"""An answer that another process writes, as its copy here is read."""

from __future__ import annotations

import pytest

from chat import fallbacks
from chat.events import Delta, Event, Start
from chat.runs import log as shared_log
from chat.runs.office import Office
from chat.runs.run import Run
from tests.waiting import eventually

CUT_SHORT = fallbacks.cut_short("fr")


class Writer:
    """Another process as Redis shows it."""

    def __init__(self) -> None:
        self.run = Run("written-elsewhere")
        shared_log.renew("elsewhere")

    def write(self, *new: Event) -> None:
        eventually(lambda: shared_log.publish("elsewhere", [(self.run, new)]))
        self.run.published += len(new)


@pytest.fixture
def writer() -> Writer:
    writer = Writer()
    writer.write(Start(), Delta("Bonjour, "))
    return writer


def test_who_is_about_to_read_is_announced_before_they_do(writer):
    Office().find(writer.run.id, CUT_SHORT)
    eventually(lambda: shared_log.is_read_elsewhere(writer.run.id), 0.5)
