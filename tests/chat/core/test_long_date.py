"""Days in words."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import translation

from chat.core.long_date import long_date


@pytest.mark.parametrize(
    ("day", "french", "english"),
    [
        (dt.date(2026, 4, 1), "1er avril 2026", "1 April 2026"),
        (dt.date(2026, 8, 15), "15 août 2026", "15 August 2026"),
        (dt.date(2027, 2, 11), "11 février 2027", "11 February 2027"),
        (dt.date(2027, 12, 31), "31 décembre 2027", "31 December 2027"),
    ],
)
@pytest.mark.parametrize("active", ["fr", "en"])
def test_a_day_is_in_words_of_its_language_whatever_language_is_active(day, french, english, active):
    long_date.cache_clear()
    with translation.override(active):
        assert long_date(day, "fr") == french.replace(" ", "\N{NO-BREAK SPACE}", 1)
        assert long_date(day, "en") == english.replace(" ", "\N{NO-BREAK SPACE}", 1)
        assert translation.get_language() == active
