"""The current day in TIME_ZONE."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone


def today() -> dt.date:
    """As `timezone.localdate`, without looking for the zone of this thread: that takes most of the time, and there is
    none.
    """
    return timezone.localdate(timezone=timezone.get_default_timezone())
