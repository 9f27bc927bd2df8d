from __future__ import annotations

import base64
import time
from contextlib import suppress

import pytest

from chat.documents import Amount, Date, DocumentError, discreet, facts, read

LETTER = "Décision : l'élève reçoit 151,80 € ; à l'œuvre."


def dates(text: str) -> list[tuple[str, str | None, str]]:
    return [(date.text, date.iso, date.kind) for date in facts(text).dates]


# --- Reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_the_encodings_that_letters_come_in(encoding: str) -> None:
    assert read(LETTER.encode(encoding)).text == LETTER


def test_latin_1_is_read() -> None:
    assert read("Décision notifiée à l'élève".encode("latin-1")).text == "Décision notifiée à l'élève"


def test_utf_16_of_either_byte_order_is_read() -> None:
    assert read(b"\xfe\xff" + LETTER.encode("utf-16-be")).text == LETTER


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_pasted_base64_is_read_like_its_file(encoding: str) -> None:
    encoded = base64.encodebytes(LETTER.encode(encoding)).decode()
    assert read(encoded).text == LETTER
    assert read(f"data:text/plain;base64,{encoded}").text == LETTER


@pytest.mark.parametrize(
    "text", ["Bonjour", "anticonstitutionnellement", "AAAA BBBB CCCC DDDD EEEE FFFF GGGG", "1234567890" * 3]
)
def test_pasted_text_stays_as_it_is(text: str) -> None:
    assert read(text).text == text


@pytest.mark.parametrize("beginning", ["BM", "MZ", "GIF89a", "PK", "OTTO", "Rar!", "ID3", "II*"])
def test_a_letter_is_text_however_it_begins(beginning: str) -> None:
    text = f"{beginning}, objet : décision du 3 mars"
    assert read(text.encode()).text == text


def test_line_ends_accents_and_stray_controls_are_made_alike() -> None:
    assert read("De\u0301cision\r\nnotifie\u0301e\x00 \ud800le\r12").text == "Décision\nnotifiée le\n12"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (" \n\t ", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"{\\rtf1 Bonjour}", "other_word"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "old_photo_format"),
        (b"\x7fELF\x02\x01\x01\x00" + bytes(256), "unsupported_type"),
        (b"\xff\xd8\xff\xe0", "damaged"),
        (bytes(range(256)), "not_text"),
        ("Décision".encode("utf-16-le"), "not_text"),
        (b"\xff\xfe\x00", "not_text"),
    ],
)
def test_what_is_no_letter_is_refused_with_a_code(data: bytes | str, code: str) -> None:
    with pytest.raises(DocumentError) as raised:
        read(data)
    assert raised.value.code == code
    assert raised.value.detail


# --- Facts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "iso"),
    [
        ("12/03/2025", "2025-03-12"),
        ("3/4/2025", "2025-04-03"),
        ("12-03-2025", "2025-03-12"),
        ("12.03.2025", "2025-03-12"),
        ("12/03/25", "2025-03-12"),
        ("12/03/98", "1998-03-12"),
        ("2025-03-12", "2025-03-12"),
        ("1er avril 2025", "2025-04-01"),
        ("1 er avril 2025", "2025-04-01"),
        ("12 MARS 2025", "2025-03-12"),
        ("12 mars\n2025", "2025-03-12"),
        ("5 févr. 2025", "2025-02-05"),
        ("5 fevrier 2025", "2025-02-05"),
        ("16 sept. 2025", "2025-09-16"),
        ("31 août 2025", "2025-08-31"),
        ("12\u00a0décembre\u202f2025", "2025-12-12"),
        ("29 février 2024", "2024-02-29"),
        ("12 mars", None),
        ("29 février", None),
        ("septembre 2025", None),
        ("délai de deux mois", None),
        ("dans les 15 jours", None),
        ("sous huitaine", None),
        ("premier avril 2025", "2025-04-01"),
    ],
)
def test_a_date_is_read_in_every_form(written: str, iso: str | None) -> None:
    [date] = facts(f"Texte : {written}, suite.").dates
    assert (date.text, date.iso) == (" ".join(written.split()), iso)


@pytest.mark.parametrize(
    "text",
    [
        "31/02/2025",
        "45 mars 2025",
        "12/13/2025",
        "03.20.12.34.56",
        "06 12 03 25 44",
        "page 4/5",
        "12/2025",
        "1/2",
        "en mai",
        "v1.2.2025.3",
        "depuis deux mois",
        "de moins de trois mois",
    ],
)
def test_what_only_looks_like_a_date_is_none(text: str) -> None:
    assert facts(text).dates == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("à renvoyer avant le 12 mars 2025", "deadline"),
        ("le 12 mars 2025 au plus tard", "deadline"),
        ("Vous êtes attendus le 12 mars 2025 à 14 h 30", "appointment"),
        ("La commission a décidé le 12 mars 2025", "decision"),
        ("à compter du 12 mars 2025", "other"),
        ("La décision est prise. Fait à Lille le 12 mars 2025", "other"),
        ("Prochain rendez-vous : 12 mars 2025.\nDécision à suivre", "appointment"),
        ("votre fils, né le 12 mars 2025", "birth"),
        ("Date de naissance : 12/03/2025", "birth"),
        ("La notification prend effet le 12 mars 2025", "other"),
        ("période du 1er au 12 mars 2025", "other"),
        ("pour le lundi 12 mars 2025", "deadline"),
    ],
)
def test_the_words_around_a_date_say_what_it_is(text: str, kind: str) -> None:
    assert [date.kind for date in facts(text).dates] == [kind]


def test_a_short_date_is_read_after_its_article() -> None:
    assert dates("reçue le 28/02, page 4/5") == [("28/02", None, "other")]


def test_deadlines_come_first_and_each_date_once() -> None:
    letter = "Le 2 mai 2025. Audience le 9 mai 2025. À rendre avant le 20 mai 2025, avant le 05/05/2025. Lu 02/05/25."
    assert dates(letter) == [
        ("05/05/2025", "2025-05-05", "deadline"),
        ("20 mai 2025", "2025-05-20", "deadline"),
        ("9 mai 2025", "2025-05-09", "appointment"),
        ("2 mai 2025", "2025-05-02", "other"),
    ]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1 234,56 €", "1234.56"),
        ("1\u202f234,56\u00a0€", "1234.56"),
        ("1.234,56 €", "1234.56"),
        ("1.500 €", "1500"),
        ("12 000€", "12000"),
        ("151.80 EUR", "151.80"),
        ("151,80 euros/mois", "151.80"),
        ("4,69 €/heure", "4.69"),
        ("300 euros par an", "300"),
        ("0 €", "0"),
        ("1 euro", "1"),
    ],
)
def test_an_amount_is_read_in_every_form(written: str, value: str) -> None:
    assert facts(f"soit {written}, versés").amounts == (Amount(" ".join(written.split()), value),)


@pytest.mark.parametrize("text", ["12 000 F CFP", "100 %", "45 heures", "l'Europe", "3 européens", "R151,80"])
def test_other_numbers_are_no_amounts(text: str) -> None:
    assert facts(text).amounts == ()


@pytest.mark.parametrize(
    ("text", "number", "kind"),
    [
        ("N° de dossier : 2025-123456", "2025-123456", "file"),
        ("Dossier : 44/210087", "44/210087", "file"),
        ("Vos références : MDPH/59/448120.", "MDPH/59/448120", "file"),
        ("numéro d'allocataire : 1234567 K", "1234567 K", "beneficiary"),
        ("le cerfa n°15692*01", "15692*01", "form"),
    ],
)
def test_references_are_read_with_their_kind(text: str, number: str, kind: str) -> None:
    [reference] = facts(text).references
    assert (reference.text, reference.kind) == (number, kind)


@pytest.mark.parametrize(
    "number",
    ["1 85 07 59 350 123 74", "185075935012374", "1850759350123", "2 79 11 2A 004 118 13", "Réf. 185075935012374"],
)
def test_a_social_security_number_is_never_given_whole(number: str) -> None:
    [reference] = facts(f"Assuré : {number}").references
    assert reference.kind == "social_security"
    assert sum(character.isalnum() for character in reference.text) == 2
    assert reference.text.endswith(number[-2:])


def test_a_number_that_only_looks_like_a_social_security_number_is_left_alone() -> None:
    assert [reference.text for reference in facts("Virement n° 185075935012342").references] == []
    assert discreet("Virement n° 185075935012342") == "Virement n° 185075935012342"


def test_no_social_security_number_is_left_in_what_is_told() -> None:
    told = discreet("Assuré 1 85 07 59 350 123 74, dossier 185075935012374, N° sécu 1 85 07 59 350 123 99.")
    assert sum(character.isdigit() for character in told) == 6


@pytest.mark.parametrize("text", ["Date de la décision : 02/09/2025", "Réf. : 1", "Dossier suivi par Mme Roux"])
def test_what_is_no_number_to_quote_is_none(text: str) -> None:
    assert facts(text).references == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("MDPH de la Loire\nMadame, …", "mdph"),
        ("Caf du Nord – nous avons reçu la notification de la MDPH", "caf"),
        ("Madame, la notification transmise par la MDPH …", ""),
        ("Madame, …" + " x" * 300 + "\nLa directrice de l'école Pasteur", "school"),
    ],
)
def test_who_writes_is_not_whom_they_cite(text: str, kind: str) -> None:
    sender = facts(text).sender
    assert (sender.kind if sender else "") == kind


def test_a_letter_without_facts_has_none() -> None:
    assert facts("Bonjour, merci de nous rappeler.") == facts("")


@pytest.mark.parametrize(
    "page",
    [
        "1", " ", "\n", "\u00a0", "1 ", "111 ", "1.", "1/", "A", "A-", "12 mars 2025 ", "12/03/2025 du 12/03/2025 au ",
        "1 234,56 € ", "1 85 07 59 350 123 74 ", "dossier n° ", "Réf. : A", "sous 15 ", "délai de ", "cerfa n° ", "du ",
    ],
)  # fmt: skip
def test_a_megabyte_of_anything_takes_less_than_a_second(page: str) -> None:
    text = page * (1_000_000 // len(page))
    start = time.thread_time()
    found = facts(text)
    assert time.thread_time() - start < 1.0
    assert all(len(kind) <= 50 for kind in (found.dates, found.amounts, found.references))
    start = time.thread_time()
    for data in (text + "é", text.encode() + b"\xe9"):
        with suppress(DocumentError):
            read(data)
    assert time.thread_time() - start < 1.0


def test_dates_are_told_as_they_are_written() -> None:
    assert facts("avant le 1er\n avril 2025").dates == (Date("1er avril 2025", "2025-04-01", "deadline", "échéance"),)
