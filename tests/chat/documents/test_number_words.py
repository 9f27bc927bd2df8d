"""Numbers in words, in the spelling before and after 1990: of days, of periods and of amounts."""

from __future__ import annotations

import pytest

from chat.documents.extraction import find_facts
from tests.chat.documents.letter_head import days
from tests.support.growth import assert_linear


@pytest.mark.parametrize(
    ("sentence", "day"),
    [
        ("L'audience se tiendra le vingt-et-un avril deux mille vingt-six.", "2026-04-21"),
        ("L'audience se tiendra le vingt et un avril deux-mille-vingt-six.", "2026-04-21"),
        ("Audience du trente-et-un mars deux-mille-vingt-six à dix heures", "2026-03-31"),
        ("L'an deux-mille-vingt-six et le trente-et-un mars, audience à dix heures", "2026-03-31"),
        ("Délai de vingt-et-un jours à compter de la notification", "2026-04-02"),
        ("Dans les soixante-et-onze jours à compter de la notification", "2026-05-22"),
        ("Merci de répondre sous trente-et-un jours.", "2026-04-12"),
        ("Merci de répondre sous cent-vingt-et-un jours.", "2026-07-11"),
        ("Merci de répondre sous quatre-vingt-onze jours.", "2026-06-11"),
        ("Merci de répondre dans un délai d'un mois.", "2026-04-12"),
    ],
)
def test_a_number_is_read_from_its_first_word(sentence, day):
    deadlines, others = days(sentence)
    assert [*deadlines, *others] == [day]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("trois cent vingt-et-un euros", "321"),
        ("mille-deux-cents euros", "1200"),
        ("deux-mille-trois-cent-soixante-et-onze euros", "2371"),
        ("cent vingt-et un euros", "121"),
        ("quatre-vingt-un euros et vingt-et-un centimes", "81.21"),
    ],
)
def test_amounts_in_words_are_whole(text, value):
    assert [amount.value for amount in find_facts(text).amounts] == [value]


@pytest.mark.parametrize("repeated", ["vingt-et-", "et-un ", "deux-mille-", "cent-et-un euros "])
def test_numbers_in_words_take_linear_time(repeated):
    assert_linear(find_facts, repeated, 60_000)
