"""Answers as HTML, for browsers without JavaScript; tests/e2e tests the page's own renderer."""

from __future__ import annotations

import re

import pytest

from chat.core.markdown import as_html
from chat.core.phone_numbers import dialled
from tests.support.markdown_texts import MARKDOWN, structure
from tests.support.phone_numbers import PHONE_NUMBERS


@pytest.mark.parametrize(("text", "expected"), MARKDOWN.items())
def test_lists_tables_links_and_emphasis(text, expected):
    assert structure(as_html(text)) == expected


@pytest.mark.parametrize(("text", "numbers"), PHONE_NUMBERS.items())
def test_telephone_numbers_are_links(text, numbers):
    assert re.findall(r'href="tel:([0-9+]+)"', as_html(text, [dialled(number) for number in numbers])) == numbers


def test_other_telephone_numbers_are_no_links():
    assert "<a " not in as_html("La CAF : 08 99 12 34 56, ou [ici](tel:0899123456), ou le 3018.", {"3230"})


def test_a_link_holds_no_other_link():
    assert as_html("[le 3114 répond](https://example.org/)", {"3114"}).count("<a ") == 1
