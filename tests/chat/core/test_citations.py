"""Several citations in one bracket, and what is none."""

from __future__ import annotations

import pytest

from chat.core.citations import separated, unfinished_at

SEVERAL = {
    "[1, 3]": "[1][3]",
    "[1,3]": "[1][3]",
    "[1 ; 3]": "[1][3]",
    "[1\u00a0; 3]": "[1][3]",
    "[1 et 3]": "[1][3]",
    "[1, 2 et 3]": "[1][2][3]",
    "[1, 2, and 3]": "[1][2][3]",
    "[1 & 2]": "[1][2]",
    "[1/2]": "[1][2]",
    "[1-3]": "[1][2][3]",
    "[1–3]": "[1][2][3]",
    "[1 à 3]": "[1][2][3]",
    "[1 to 3, 4]": "[1][2][3][4]",
    "[1, 2-4]": "[1][2][3][4]",
    "[ 1 , 2 ]": "[1][2]",
    "【1】": "[1]",
    "【1】【3】": "[1][3]",
    "【1, 3】": "[1][3]",
    "【2†source】": "[2]",
    "【2†L1-L5】": "[2]",
    "[1, 9]": "[1][9]",
    "[1][3]": "[1][3]",
}
ORDINARY = ["[7, 8]", "[7-9]", "[2-8]", "[2026]", "[12, 24] mois", "[0, 5]", "【9】", "[a, 1]", "[1, 2", "[x](y)", "[]"]


@pytest.mark.parametrize(("text", "expected"), SEVERAL.items())
def test_each_citation_gets_a_bracket_of_its_own(text, expected):
    assert separated(f"Oui {text}.", range(1, 5)) == f"Oui {expected}."


@pytest.mark.parametrize("text", ORDINARY)
def test_a_bracket_that_cites_no_given_source_stays_as_it_is(text):
    assert separated(text, range(1, 5)) == text


@pytest.mark.parametrize("text", SEVERAL)
def test_every_beginning_of_a_citation_is_seen(text):
    last = max(text.rfind("["), text.rfind("【"))
    assert [unfinished_at(f"Oui {text[:end]}") for end in range(last + 1, len(text))] == [4 + last] * (
        len(text) - last - 1
    )


@pytest.mark.parametrize(
    "text", ["[2026", "[1 enfant", "[La", "[1]", "[1, 3]", "[1 \n ", "[1, 2, 3 ans", "[" + "1," * 40]
)
def test_no_other_text_is_taken_for_a_beginning(text):
    assert unfinished_at(text) == len(text)
