"""Links in answers say where they lead."""

from __future__ import annotations

import re

import pytest

from chat.core.markdown import as_html
from tests.support.link_texts import NO_LINKS, NUMBERS, SHOWN


@pytest.mark.parametrize(("text", "shown"), SHOWN.items())
def test_a_link_says_where_it_leads_if_its_words_say_something_else(text, shown):
    html = as_html(text, NUMBERS)
    assert "<a " in html
    assert re.sub(r"<[^>]+>", "", html).strip() == shown


@pytest.mark.parametrize("address", NO_LINKS)
def test_what_hides_where_it_leads_is_no_link(address):
    html = as_html(f"Voir [ici]({address}).", NUMBERS)
    assert "<a " not in html
    assert "ici" in html
