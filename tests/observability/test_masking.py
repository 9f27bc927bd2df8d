"""Identifiers of persons in every typography, and what must not be taken for one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from observability.masking import find, mask
from tests.support.growth import assert_linear
from tests.support.identifiers import HARMLESS_TEXTS, NUMBER, OTHERS, SOCIAL_SECURITY_FORMS

ARTICLES = Path(__file__).parents[2] / "chat" / "knowledge_base"
SPACES = [" ", "  ", "\t", "\u00a0", "\u202f", "\u2009", "\u2007", "\u3000", "\u200b", "\u2060", "\n", "\n   "]
SIGNS = ["", *"-.,/_'’*:;|·•\u2010\u2011\u2012\u2013\u2014\u2212", " | ", " - ", "] ["]


def shown(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


@pytest.mark.parametrize("text", SOCIAL_SECURITY_FORMS.values(), ids=SOCIAL_SECURITY_FORMS)
def test_a_social_security_number_is_masked_in_every_form(text):
    masked = mask(f"Mon numéro de sécu : {text}, merci de répondre.")
    assert len(shown(masked)) <= len(shown("Mon numéro de sécu : NIR, merci de répondre.")) + 2
    assert masked.startswith("Mon numéro de sécu : ")
    assert masked.endswith(", merci de répondre.")


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_other_identifiers_are_masked(text):
    masked = mask(f"Voici : {text}. Merci")
    assert len(shown(masked)) <= len(shown("Voici : . Merci")) + 2


def misread(text: str, places: set[int], o: str = "O", i: str = "l") -> str:
    """The text with the digits 0 and 1 at these places as OCR reads them; not behind a letter: `2A004`, `FR10`."""
    return "".join(
        {"0": o, "1": i}.get(sign, sign) if place in places and not text[:place][-1:].isalpha() else sign
        for place, sign in enumerate(text)
    )


@given(
    st.sampled_from([*SOCIAL_SECURITY_FORMS.values(), *OTHERS.values()]),
    st.sets(st.integers(0, 120)),
    st.sampled_from("Oo"),
    st.sampled_from("Il"),
)
def test_letters_that_ocr_takes_for_digits_show_nothing(text, places, o, i):
    if "&" not in text and "@" not in text:
        number = misread(text.removeprefix("NIR"), places, o, i)
        assert (
            len(shown(mask(f"Mon numéro de sécu : {number}. Merci"))) <= len(shown("Mon numéro de sécu : . Merci")) + 2
        )


@pytest.mark.parametrize(
    "text",
    [
        "1 80 O1 49 297 202 64",
        "2 85 O5 78 006 084 36",
        "l 17 02 91 228 123 45",
        "279I12a00411813",
        "Tél. O6 12 34 56 78",
        "O6.l2.34.56.78",
        "O612345678",
        "+33 6 12 34 56 7O",
        "IBAN FR76 3OOO 6000 0112 3456 7890 189",
        "FR763OOO6OOO0112345678901 89",
        "497O 1O12 3456 7893",
    ],
)
def test_a_number_misread_by_ocr_is_masked(text):
    masked = mask(text)
    assert len(masked) == len(text)
    assert len(shown(masked)) <= len("IBAN") + 2


def test_the_letters_of_an_iban_stay_letters():
    assert shown(mask("FR04 2004 1010 0505 0001 3O02 606")) == "06"


@pytest.mark.parametrize("text", HARMLESS_TEXTS)
@pytest.mark.parametrize(("o", "i"), [("O", "l"), ("o", "I")])
def test_what_only_looks_like_an_identifier_stays_with_misread_digits(text, o, i):
    read = misread(text, set(range(len(text))), o, i)
    assert mask(f"Madame, {read}, cordialement.") == f"Madame, {read}, cordialement."


@pytest.mark.parametrize(
    "text",
    [
        "Fréquence : O 1 O 2 O 3 O 4 O 5 par semaine",
        "O 1\nO 2\nO 3\nO 4\nO 5\n",
        "Modèle O1 O2 O3 O4 O5",
        "Bruits OI OI OI OI OI",
        "Cases l1 O1 l2 O2 l3 O3",
        "O l 2 O l 3 O l 4 O l 5",
        "O1.O2.O3.O4.O5",
        "OO 4 O O 1 O O 2 O O 3",
    ],
)
def test_a_row_of_letters_with_few_digits_is_no_telephone(text):
    assert mask(text) == text


@pytest.mark.parametrize("text", ["O6 I2 34 56 78", "O6.12.34.56.7O", "+33 6 O1 3O 4O 78", "O6 OI 34 56 O8"])
def test_a_telephone_with_six_digits_read_right_is_masked(text):
    assert len(shown(mask(text))) == 2


WORDS = [
    "l'école",
    "l'",
    "Il",
    "OO",
    "o",
    "O",
    "I",
    "II",
    "l",
    "5",
    "12",
    "2026",
    "06",
    "80",
    "Lilo",
    "oll",
    "ou",
    "91",
]


@given(st.lists(st.sampled_from(WORDS), max_size=24))
def test_words_and_few_digits_stay(words):
    lines = [" ".join(words[place : place + 3]) + " mots" for place in range(0, len(words), 3)]
    assume(all(len(re.findall(r"[\dOoIl]", line)) < 9 for line in lines))  # `06 2026 2026` may be a telephone number
    assert mask("\n".join(lines)) == "\n".join(lines)


@pytest.mark.parametrize("text", HARMLESS_TEXTS)
def test_what_only_looks_like_an_identifier_stays(text):
    assert mask(text) == text
    assert mask(f"Madame, {text}, cordialement.") == f"Madame, {text}, cordialement."


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("le 05 06 2025 06 12 34 56 78", "le 05 06 2025 •• •• •• •• 78"),
        ("le 12 06 2025 06.12.34.56.78", "le 12 06 2025 ••.••.••.••.78"),
        ("le 05 06 2025 14 30 06 12 34 56 78 2", "le 05 06 2025 14 30 •• •• •• •• 78 2"),
        ("06 12 34 56 78 05 06 2025", "•• •• •• •• 78 05 06 2025"),
        ("06 12 3456 78 05", "•• •• •••• 78 05"),
        ("n° 05 06-2012-3456", "n° 05 ••-••••-••56"),
        ("2 06 2012 34 56", "2 •• •••• •• 56"),
        ("03/04/26 06 12 34 56 78", "03/04/26 •• •• •• •• 78"),
        ("Appelé le 03/04/26 : 06 12 34 56 78", "Appelé le 03/04/26 : •• •• •• •• 78"),
        ("05-06-26 06.12.34.56.78", "05-06-26 ••.••.••.••.78"),
        ("03/04/26\n06 12 34 56 78", "03/04/26\n•• •• •• •• 78"),
        ("valable jusqu'au 06/2025 06 12 34 56 78", "valable jusqu'au 06/2025 •• •• •• •• 78"),
        ("+33 06 12 2034 56 10", "+•• •• •• •••• 56 10"),
    ],
)
def test_a_phone_number_beside_a_date_is_masked(text, masked):
    assert mask(text) == masked


def test_the_lines_that_the_articles_name_stay():
    lines = {line for file in ARTICLES.rglob("*.md") for line in re.findall(r"\b0\d(?: \d\d){4}\b", file.read_text())}
    assert len(lines) >= 3
    assert [line for line in lines if mask(line) != line] == []


@pytest.mark.parametrize(
    "line", ["+33 9 69 39 00 00", "0033 9 69 39 00 00", "00 33 969390000", "+33 (0)9 69 39 00 00", "+33(0)969390000"]
)
def test_the_lines_that_the_articles_name_stay_in_international_form(line):
    assert mask(f"Depuis l’étranger : {line}.") == f"Depuis l’étranger : {line}."


@pytest.mark.parametrize(
    "number", ["+33 9 69 39 00 01", "0033 9 69 39 00 01", "+33 (0)6 69 39 00 00", "+32 9 69 39 00 00"]
)
def test_a_number_like_such_a_line_is_masked(number):
    assert mask(number) == re.sub(r"\d", "•", number[:-2]) + number[-2:]


@st.composite
def social_security_numbers(draw: st.DrawFn) -> str:
    department = draw(st.sampled_from(["01", "59", "75", "13", "2A", "2B", "97", "99"]))
    order = draw(st.integers(0, 999_999))
    body = f"{draw(st.sampled_from('1278'))}{draw(st.integers(0, 99)):02}{draw(st.integers(1, 12)):02}"
    body += f"{department}{order:06}"
    key = 97 - int(body.replace("2A", "19").replace("2B", "18")) % 97
    return f"{body}{key:02}"


@given(social_security_numbers(), st.sampled_from(SPACES), st.sampled_from(SIGNS), st.sets(st.integers(1, 14)))
def test_no_separator_shows_a_social_security_number(number, space, sign, places):
    for separator in (space, sign, sign + space, space + sign):
        text = "".join(separator + digit if place in places else digit for place, digit in enumerate(number))
        masked = mask(f"Voilà : {text} et voilà")
        assert shown(masked).removeprefix("Voilà").removesuffix("etvoilà") == number[-2:]


@given(social_security_numbers(), st.lists(st.sampled_from([*SPACES, *SIGNS]), min_size=6, max_size=6))
def test_usual_groups_show_nothing_whatever_is_between_them(number, separators):
    groups = re.fullmatch("(.)(..)(..)(..)(...)(...)(..)", number)
    assert groups
    text = groups[1] + "".join(
        separator + group for separator, group in zip(separators, groups.groups()[1:], strict=True)
    )
    assert shown(mask(f"« {text} »")) == number[-2:]


@given(st.text(alphabet="0123456789ABOIl+ .,-/|\n€@é()", max_size=60))
def test_a_mask_keeps_the_length_and_is_stable(text):
    masked = mask(text)
    assert len(masked) == len(text)
    assert [*find(masked)] == []


@pytest.mark.parametrize(
    "repeated",
    [
        "1", "1 ", "1,", "1 85 07 59 350 123 74 ", "185075935012374 ", "FR76 ", "FR7630006000011234567890189 ", "+33 ",
        "06 12 34 56 78 ", "+33 6 12 34 56 78 ", "a@b.", "@", "a", "A1", "2A", "00 ", "sécu 1", "sécu ",
        "réf 0612345678 ", "4970101234567893 ", "1 22 333 4444 55555 ", "&nbsp;1", "&", "1\u0301", "clé ",
        "O", "l ", "l2", "O1 ",
    ],
)  # fmt: skip
def test_the_time_is_linear_in_the_length(repeated):
    assert_linear(mask, repeated, 200_000)


def test_an_identifier_in_a_hidden_place_does_not_hide_another():
    assert (
        shown(mask(f"06 12 34 56 78 {NUMBER} a@b.fr FR7630006000011234567890189 {NUMBER}")) == "78" + "74" + "89" + "74"
    )
