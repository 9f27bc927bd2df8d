"""language_of: detecting the language of a text."""

from __future__ import annotations

import pytest

from chat.core.question import language_of


@pytest.mark.parametrize(
    ("text", "default", "language"),
    [
        ("Comment demander l'AEEH ?", "en", "fr"),
        ("How do I apply for the AEEH?", "fr", "en"),
        ("jsp koi faire pour mon fils", "en", "fr"),
        ("my son needs an AESH at school", "fr", "en"),
        ("AEEH", "fr", "fr"),
        ("AEEH", "en", "en"),
        ("", "en", "en"),
    ],
)
def test_language_is_detected_from_common_words(text, default, language):
    assert language_of(text, default) == language
