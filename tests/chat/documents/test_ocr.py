"""The facts found in a letter are also found in a scan of it."""

from __future__ import annotations

import textwrap

import pytest

from chat.documents import reading
from tests.chat.documents import labelled_letters
from tests.support import document_files

SCANNED_LETTERS = 2
MIN_RECALL = 0.9


def facts_of(text: str) -> set[str]:
    return {fact for kind in labelled_letters.facts_found(text).values() for fact in kind}


def scan_of(letter: str, number: int) -> bytes:
    """A page at 300 dpi, tilted by up to 1.5 degrees, with noise."""
    lines = "\n".join("\n".join(textwrap.wrap(line, 78)) for line in letter.splitlines())
    return document_files.scan(document_files.picture(lines, tilt=(number % 7 - 3) / 2, noise=15))


@pytest.mark.parametrize("name", ["dev", "held_out"])
def test_the_facts_of_a_letter_are_found_in_its_scan(name: str, tesseract) -> None:
    expected, found = 0, 0
    for number, letter in enumerate(labelled_letters.letters(name)[:SCANNED_LETTERS]):
        in_text = facts_of(letter["letter"])
        in_scan = facts_of(reading.read(scan_of(letter["letter"], number), document_files.SENDER).text)
        expected, found = expected + len(in_text), found + len(in_text & in_scan)
    assert found / expected >= MIN_RECALL


def test_a_long_scan_reports_how_many_pages_were_read(settings, tesseract) -> None:
    page = document_files.picture(document_files.NOTE, dots_per_inch=150)
    reading.read(document_files.scan(page), document_files.SENDER)  # a single page can be read
    settings.DOCUMENT_TIMEOUT_SECONDS = 10.0
    document = reading.read(document_files.scan(*[page] * 50), document_files.SENDER)
    assert document.pages == 50
    assert 1 <= document.pages_read < 50
    assert document.facts.amounts
