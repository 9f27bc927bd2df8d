from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from chat.knowledge.amounts import Amount, Amounts, AmountsError, read

DAY = dt.date(2026, 11, 29)
ROW = """
[[amount]]
name = "aeeh"
value = 153.01
unit = "€"
valid_from = 2026-04-01
valid_to = 2027-03-31
source = "D. 541-1"
"""


def amount(name: str, value: float, since: dt.date, until: dt.date, unit: str = "€") -> Amount:
    return Amount(name, value, unit, since, until, "a decree")


AEEH = amount("aeeh", 153.01, dt.date(2026, 4, 1), dt.date(2027, 3, 31))
AAH = amount("aah", 1041.59, dt.date(2026, 4, 1), dt.date(2026, 12, 31))


def filled(text: str, language: str = "fr", *amounts: Amount, day: dt.date = DAY) -> str:
    return Amounts(amounts or (AEEH, AAH), day).fill(text, language).text  # type: ignore[arg-type]


def file_with(folder: Path, text: str) -> Path:
    (folder / "amounts.toml").write_text(text, "utf-8")
    return folder / "amounts.toml"


def test_a_name_becomes_its_value_in_the_entrys_language() -> None:
    assert filled("{{aah}} par mois") == "1\xa0041,59\xa0€ par mois"
    assert filled("{{ aah }} a month", "en") == "€1,041.59 a month"


def test_cents_are_left_out_when_there_are_none() -> None:
    assert filled("{{a}}", "fr", amount("a", 22000, DAY, DAY)) == "22\xa0000\xa0€"


def test_the_day_an_amount_began_is_named_in_words() -> None:
    assert filled("depuis le {{aeeh.since}}") == "depuis le 1er\xa0avril 2026"
    assert filled("since {{aeeh.since}}", "en") == "since 1\xa0April 2026"


def test_a_revaluation_takes_effect_on_its_day() -> None:
    next_year = amount("aeeh", 155.0, dt.date(2027, 4, 1), dt.date(2028, 3, 31))
    assert filled("{{aeeh}}", "fr", next_year, AEEH, day=dt.date(2027, 3, 31)) == "153,01\xa0€"
    assert filled("{{aeeh}}", "fr", next_year, AEEH, day=dt.date(2027, 4, 1)) == "155\xa0€"


def test_a_text_is_valid_until_the_first_of_its_amounts_ends() -> None:
    amounts = Amounts((AEEH, AAH), DAY)
    assert amounts.fill("{{aeeh}} et {{aah}}", "fr").valid_until == dt.date(2026, 12, 31)
    assert amounts.fill("sans montant", "fr").valid_until is None


@pytest.mark.parametrize("text", ["{{ars}}", "{{aeeh.until}}", "{{aeeh}", "aeeh}}", "{{}}", "{{aeeh {{aah}}"])
def test_an_unknown_or_broken_name_is_refused(text: str) -> None:
    with pytest.raises(AmountsError):
        filled(text)


def test_a_file_is_read_with_its_periods(tmp_path: Path) -> None:
    [row] = read(file_with(tmp_path, ROW))
    assert (row.name, row.value, row.valid_to) == ("aeeh", 153.01, dt.date(2027, 3, 31))
    assert read(tmp_path / "missing.toml") == []


@pytest.mark.parametrize(
    ("good", "broken"),
    [
        ('source = "D. 541-1"\n', ""),
        ('source = "D. 541-1"', 'source = ""'),
        ("valid_from = 2026-04-01", "valid_from = 2028-04-01"),
        ("valid_to = 2027-03-31", 'valid_to = "2027"'),
        ("value = 153.01", 'value = "153,01"'),
        ('name = "aeeh"', 'name = "AEEH de base"'),
        ('unit = "€"', 'unit = "€"\nnote = "x"'),
        ("[[amount]]", "[[amount"),
    ],
)
def test_an_amount_without_source_or_period_is_refused(tmp_path: Path, good: str, broken: str) -> None:
    assert good in ROW
    with pytest.raises(AmountsError):
        read(file_with(tmp_path, ROW.replace(good, broken)))
