from __future__ import annotations

from datetime import date, datetime

import pytest
from django.utils import timezone

from chat.core import local_day


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-03-28T22:59:59Z", date(2026, 3, 28)),
        ("2026-03-28T23:00:00Z", date(2026, 3, 29)),
        ("2026-07-01T21:59:59Z", date(2026, 7, 1)),
        ("2026-07-01T22:00:00Z", date(2026, 7, 2)),
    ],
)
def test_today_is_the_day_in_the_configured_zone_in_winter_and_summer(moment, day, settings, monkeypatch):
    settings.TIME_ZONE = "Europe/Paris"
    monkeypatch.setattr(timezone, "now", lambda: datetime.fromisoformat(moment))
    assert local_day.today() == timezone.localdate() == day
