"""`python -m benchmarks dashboard`: two minutes of everything, and the picture of the dashboard that shows them."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from ai_service.control import StandIn
from benchmarks import picture
from tests.observability.prometheus import Prometheus
from tests.observability.test_prometheus import HASTY, TOKEN, broken_table
from tests.observability.visitors import Visitors
from tests.server import Server
from tests.services import ROOT

FILE = ROOT / "docs" / "images" / "dashboard.svg"


def show() -> None:
    ai = StandIn(os.environ["AI_SERVICE_URL"])
    ai.pace(150)
    instances = [Server(workers=2, **HASTY), Server(**HASTY)]
    with tempfile.TemporaryDirectory() as folder:
        prometheus = Prometheus(Path(folder), [one.url.removeprefix("http://") for one in instances], TOKEN)
        try:
            began = time.time() + 5  # the first rates need two scrapes
            with Visitors([one.url for one in instances]):
                _happen(ai)
            picture.draw(prometheus, began, time.time(), FILE)
            print(FILE)
        finally:
            prometheus.stop()
            for one in instances:
                one.stop()


def _happen(ai: StandIn) -> None:
    time.sleep(40)
    ai.fail("error", status=503)
    time.sleep(25)
    ai.heal()
    time.sleep(25)
    with broken_table():
        time.sleep(3)
    time.sleep(27)
