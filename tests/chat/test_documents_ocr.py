"""How much of what is found in a letter's text is found in a scan of it, too."""

from __future__ import annotations

import textwrap

import pytest

from chat import documents
from tests.chat import letters, papers

# Letters that fit on a page: what a scanner makes of them, tilted and speckled, is read again.
SCANNED = 2
SHARE = 0.9


def facts_of(text: str) -> set[str]:
    return {fact for kind in letters.found_in(text).values() for fact in kind}


def scan_of(letter: str, number: int) -> bytes:
    """A page at 300 dpi, tilted by up to 1.5 degrees to either side, with speckles all over it."""
    lines = "\n".join("\n".join(textwrap.wrap(line, 78)) for line in letter.splitlines())
    return papers.scan(papers.picture(lines, tilt=(number % 7 - 3) / 2, noise=15))


@pytest.mark.parametrize("name", ["letters_dev", "letters_held_out"])
def test_the_facts_of_a_letter_are_found_in_its_scan(name: str, tesseract) -> None:
    wanted, found = 0, 0
    for number, letter in enumerate(letters.letters(name)[:SCANNED]):
        written = facts_of(letter["letter"])
        read = facts_of(documents.read(scan_of(letter["letter"], number)).text)
        wanted, found = wanted + len(written), found + len(written & read)
    assert found / wanted >= SHARE


def test_of_a_long_scan_the_first_pages_are_read_and_the_rest_is_said_to_be_left(settings, tesseract) -> None:
    page = papers.picture(papers.NOTE, dots_per_inch=150)
    one = papers.scan(page)
    documents.read(one)  # it can be read at all
    settings.DOCUMENT_SECONDS = 10.0
    many = documents.read(papers.scan(*[page] * 50))
    assert many.pages == 50
    assert 1 <= many.pages_read < 50
    assert documents.facts(many.text).amounts
