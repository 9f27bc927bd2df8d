"""Which language a person writes in."""

from __future__ import annotations

import pytest

from chat.questions import language_of


@pytest.mark.parametrize(
    ("text", "otherwise", "language"),
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
def test_the_commonest_words_tell_the_language(text, otherwise, language):
    assert language_of(text, otherwise) == language
