"""`python -m benchmarks dashboard`: two minutes of load and faults, drawn as the Grafana dashboard shows them."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from ai_service.control import StandIn
from benchmarks.reports import dashboard_chart
from tests.observability.load import LoadGenerator
from tests.observability.prometheus import Prometheus
from tests.observability.test_prometheus import FAST_SETTINGS, TOKEN, broken_table
from tests.support.server import Server
from tests.support.services import ROOT

FILE = ROOT / "docs" / "images" / "dashboard.svg"


def show() -> None:
    ai = StandIn(os.environ["AI_SERVICE_URL"])
    ai.pace(150)
    instances = [Server(workers=2, **FAST_SETTINGS), Server(**FAST_SETTINGS)]
    with tempfile.TemporaryDirectory() as folder:
        prometheus = Prometheus(Path(folder), [instance.url.removeprefix("http://") for instance in instances], TOKEN)
        try:
            began = time.time() + 5  # the first rates need two scrapes
            with LoadGenerator([instance.url for instance in instances]):
                _inject_faults(ai)
            dashboard_chart.draw(prometheus, began, time.time(), FILE)
            print(FILE)
        finally:
            prometheus.stop()
            for instance in instances:
                instance.stop()


def _inject_faults(ai: StandIn) -> None:
    time.sleep(40)
    ai.fail("error", status=503)
    time.sleep(25)
    ai.heal()
    time.sleep(25)
    with broken_table():
        time.sleep(3)
    time.sleep(27)
