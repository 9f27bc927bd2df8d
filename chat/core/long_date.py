"""A day in words, as people read it in an answer."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from django.utils import dateformat, translation

from chat.core.language import Language


@lru_cache(maxsize=256)  # today's is in each prompt; making it takes 70 µs
def long_date(day: dt.date, language: Language) -> str:
    """`1er avril 2026` or `1 April 2026`, with a no-break space after the number."""
    number = "1er" if language == "fr" and day.day == 1 else str(day.day)
    with translation.override(language):
        return f"{number}\N{NO-BREAK SPACE}{dateformat.format(day, 'F Y')}"
