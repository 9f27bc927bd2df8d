from __future__ import annotations

import base64
import time
from contextlib import suppress
from functools import partial

import pytest

from chat.documents import reading
from chat.documents.errors import DocumentError
from chat.documents.extraction import extract, find_facts
from chat.documents.facts import Amount, Date
from chat.documents.kinds import detect_kind
from chat.documents.sandbox import readers
from chat.documents.sandbox.limits import Limits
from chat.documents.text import MAX_BYTES, MAX_CHARACTERS, clean, decode
from chat.documents.unreadable import Unreadable
from observability.masking import mask
from tests.support.document_files import SENDER
from tests.support.growth import assert_linear

read = partial(reading.read, sender=SENDER)
LETTER = "Décision : l'élève reçoit 151,80 € ; à l'œuvre."


def dates(text: str) -> list[tuple[str, str | None, str]]:
    return [(date.text, date.iso, date.kind) for date in find_facts(text).dates]


# --- Reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_common_encodings(encoding: str) -> None:
    assert read(LETTER.encode(encoding)).text == LETTER


def test_latin_1_is_read() -> None:
    assert read("Décision notifiée à l'élève".encode("latin-1")).text == "Décision notifiée à l'élève"


def test_utf_16_of_either_byte_order_is_read() -> None:
    assert read(b"\xfe\xff" + LETTER.encode("utf-16-be")).text == LETTER


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_pasted_base64_is_decoded(encoding: str) -> None:
    encoded = base64.encodebytes(LETTER.encode(encoding)).decode()
    assert read(encoded).text == LETTER
    assert read(f"data:text/plain;base64,{encoded}").text == LETTER


@pytest.mark.parametrize(
    "text", ["Bonjour", "anticonstitutionnellement", "AAAA BBBB CCCC DDDD EEEE FFFF GGGG", "1234567890" * 3]
)
def test_pasted_text_is_not_taken_for_base64(text: str) -> None:
    assert read(text).text == text


@pytest.mark.parametrize("signature", ["BM", "MZ", "GIF89a", "PK", "OTTO", "Rar!", "ID3", "II*"])
def test_text_that_begins_like_a_file_signature_is_text(signature: str) -> None:
    text = f"{signature}, objet : décision du 3 mars"
    assert read(text.encode()).text == text


def test_line_ends_accents_and_control_characters_are_normalised() -> None:
    assert read("De\u0301cision\r\nnotifie\u0301e\x00 \ud800le\r12").text == "Décision\nnotifiée le\n12"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (" \n\t ", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"{\\rtf1}", "empty"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "damaged"),
        (b"\x7fELF\x02\x01\x01\x00" + bytes(256), "unsupported_type"),
        (b"\xff\xd8\xff\xe0", "damaged"),
        (bytes(range(256)), "not_text"),
        ("Décision".encode("utf-16-le"), "not_text"),
        (b"\xff\xfe\x00", "not_text"),
    ],
)
def test_unreadable_data_is_rejected_with_a_code(data: bytes | str, code: str) -> None:
    with pytest.raises(DocumentError) as raised:
        read(data)
    assert raised.value.code == code
    assert raised.value.detail


# --- Facts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("notation", "iso"),
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
def test_a_date_is_found_in_every_notation(notation: str, iso: str | None) -> None:
    [date] = find_facts(f"Texte : {notation}, suite.").dates
    assert (date.text, date.iso) == (" ".join(notation.split()), iso)


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
def test_what_only_looks_like_a_date_is_not_found(text: str) -> None:
    assert find_facts(text).dates == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("à renvoyer avant le 12 mars 2025", "deadline"),
        ("le 12 mars 2025 au plus tard", "deadline"),
        ("Vous êtes attendus le 12 mars 2025 à 14 h 30", "appointment"),
        ("La commission a décidé le 12 mars 2025", "decision"),
        ("à compter du 12 mars 2025", "other"),
        ("La décision est prise. Fait à Lille le 12 mars 2025", "letter"),
        ("Prochain rendez-vous : 12 mars 2025.\nDécision à suivre", "appointment"),
        ("votre fils, né le 12 mars 2025", "birth"),
        ("Date de naissance : 12/03/2025", "birth"),
        ("La notification prend effet le 12 mars 2025", "other"),
        ("période du 1er au 12 mars 2025", "other"),
        ("pour le lundi 12 mars 2025", "deadline"),
    ],
)
def test_the_words_around_a_date_decide_its_kind(text: str, kind: str) -> None:
    assert {date.kind for date in find_facts(text).dates} == {kind}


def test_a_date_without_year_is_found_after_an_article() -> None:
    assert dates("reçue le 28/02, page 4/5") == [("28/02", None, "other")]


def test_dates_are_sorted_by_urgency_without_duplicates() -> None:
    days = "Audience le 9 mai 2025. À rendre avant le 20 mai 2025, avant le 05/05/2025"
    letter = f"Vu le 2 mai 2025. {days}. Lu 02/05/25."
    assert dates(letter) == [
        ("05/05/2025", "2025-05-05", "deadline"),
        ("20 mai 2025", "2025-05-20", "deadline"),
        ("9 mai 2025", "2025-05-09", "appointment"),
        ("2 mai 2025", "2025-05-02", "other"),
    ]


@pytest.mark.parametrize(
    ("notation", "value"),
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
def test_an_amount_is_found_in_every_notation(notation: str, value: str) -> None:
    assert find_facts(f"soit {notation}, versés").amounts == (Amount(" ".join(notation.split()), value),)


@pytest.mark.parametrize("text", ["12 000 F CFP", "100 %", "45 heures", "l'Europe", "3 européens", "R151,80"])
def test_other_numbers_are_not_amounts(text: str) -> None:
    assert find_facts(text).amounts == ()


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
def test_references_are_found_with_their_kind(text: str, number: str, kind: str) -> None:
    [reference] = find_facts(text).references
    assert (reference.text, reference.kind) == (number, kind)


@pytest.mark.parametrize(
    "number",
    ["1 85 07 59 350 123 74", "185075935012374", "1850759350123", "2 79 11 2A 004 118 13", "Réf. 185075935012374"],
)
def test_a_social_security_number_is_masked(number: str) -> None:
    [reference] = find_facts(f"Assuré : {number}").references
    assert reference.kind == "social_security"
    assert sum(character.isalnum() for character in reference.text) == 2
    assert reference.text.endswith(number[-2:])


def test_a_number_with_wrong_check_digits_is_not_masked() -> None:
    assert [reference.text for reference in find_facts("Virement n° 185075935012342").references] == ["185075935012342"]
    assert mask("Virement n° 185075935012342") == "Virement n° 185075935012342"


def test_all_social_security_numbers_in_a_text_are_masked() -> None:
    masked = mask("Assuré 1 85 07 59 350 123 74, dossier 185075935012374, N° sécu 1 85 07 59 350 123 99.")
    assert sum(character.isdigit() for character in masked) == 6


@pytest.mark.parametrize("text", ["Date de la décision : 02/09/2025", "Réf. : 1", "Dossier suivi par Mme Roux"])
def test_what_only_looks_like_a_reference_is_not_found(text: str) -> None:
    assert find_facts(text).references == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("MDPH de la Loire\nMadame, …", "mdph"),
        ("Caf du Nord – nous avons reçu la notification de la MDPH", "caf"),
        ("Madame, la notification transmise par la MDPH …", ""),
        ("Madame, …" + " x" * 300 + "\nLa directrice de l'école Pasteur", "school"),
    ],
)
def test_a_mentioned_organisation_is_not_the_sender(text: str, kind: str) -> None:
    sender = find_facts(text).sender
    assert (sender.kind if sender else "") == kind


def test_a_letter_without_facts_gives_none() -> None:
    assert find_facts("Bonjour, merci de nous rappeler.") == find_facts("")


@pytest.mark.parametrize(
    "repeated",
    [
        "1", " ", "\n", "\u00a0", "1 ", "111 ", "1.", "1/", "A", "A-", "12 mars 2025 ", "12/03/2025 du 12/03/2025 au ",
        "1 234,56 € ", "1 85 07 59 350 123 74 ", "dossier n° ", "Réf. : A", "sous 15 ", "délai de ", "cerfa n° ", "du ",
    ],
)  # fmt: skip
def test_the_time_for_any_repeated_text_is_linear_and_the_facts_are_few(repeated: str) -> None:
    assert_linear(extract, repeated, 60_000)
    facts = find_facts(repeated * (20_000 // len(repeated)))
    assert all(len(each) <= 50 for each in (facts.dates, facts.amounts, facts.references))


def test_of_a_long_file_only_the_beginning_is_decoded() -> None:
    text = "é€" * (2 * MAX_BYTES)
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        decoded = decode(text.encode(encoding))
        assert decoded
        assert MAX_CHARACTERS < len(decoded) <= MAX_BYTES
        assert text.startswith(decoded)


def test_a_date_keeps_its_notation_on_one_line() -> None:
    assert find_facts("avant le 1er\n avril 2025").dates == (
        Date("1er avril 2025", "2025-04-01", "deadline", "échéance"),
    )


PAGE = "<p>1&nbsp;245,36&nbsp;&euro;</p>"


@pytest.mark.parametrize(
    "page",
    [
        f"<!-- message --><html><body>{PAGE}</body></html>",
        f"<!-- message -->\n<!-- of a program -->\n<!DOCTYPE html>{PAGE}",
        f"<div>{PAGE}</div>",
        f'<meta charset="utf-8">{PAGE}',
        f"\n  <TABLE border=1><tr><td>{PAGE}</table>",
        f"<style>p {{ margin: 0 }}</style>{PAGE}",
        f"<br>{PAGE}",
        PAGE,
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_web_page_is_recognised_whatever_it_begins_with(page: str, encoding: str) -> None:
    assert detect_kind(page.encode(encoding)) == "html"
    text = readers.read("html", page.encode(encoding), Limits(60, 1 << 30, 50)).text
    assert [amount.value for amount in find_facts(clean(text)).amounts] == ["1245.36"]


@pytest.mark.parametrize(
    "text",
    ["<p> sans fin", "a < b et c > d", "<Mme Durand> </b>", "Voir <div>ici</div>", "<!-- note", "<!--x-->Bonjour"],
)
def test_a_text_with_angle_brackets_is_text(text: str) -> None:
    assert detect_kind(text.encode()) == "text"


@pytest.mark.parametrize("end", ["", "Bonjour", "--><p class=a>&nbsp;"])
@pytest.mark.parametrize(
    "repeated",
    [
        "<!---->", "<!-- -->", "<!-- --> ", "<!--", "-->", "<?xml?>", "<?xml ", "<?xml?><!---->", " ", "\ufeff", "<",
        "<div", "<div ", "<div a", "<div a=b ", "<div a a a a a a a a a a", "<p>", "<p/", "<p data-a ", "</a", "</a ",
        "&", "&a", "&#1", "a:", "a:\n", "a: b\n", " b\n", "\n", "a: b\n c\n", "Received", "\r%PDF-", "\r%PDF", "%PDF",
    ],
)  # fmt: skip
def test_the_time_to_detect_a_kind_is_linear(repeated: str, end: str) -> None:
    def detect(text: str) -> None:
        with suppress(Unreadable):
            detect_kind((text + end).encode())

    started_at = time.thread_time()
    detect(repeated * 26)
    assert time.thread_time() - started_at < 0.05  # also where it would double with each repetition
    assert_linear(detect, repeated, 160_000)


@pytest.mark.parametrize("repeated", ["<!-- -->", "<div a=b ", "</a", "a: b\n", " ", "&#1", "\x00", "PK\x03\x04 word/"])
def test_the_kind_of_a_large_file_is_detected_at_once(repeated: str) -> None:
    data = (repeated * (10_000_000 // len(repeated))).encode()
    started_at = time.thread_time()
    with suppress(Unreadable):
        detect_kind(data)
    assert time.thread_time() - started_at < 0.5


@pytest.mark.parametrize("attributes", ["", " ", " class=a", ' id="a"\n data-page', " hidden", " data-reactroot", "/"])
def test_an_element_with_attributes_begins_a_web_page(attributes: str) -> None:
    assert detect_kind(f"<div{attributes}>{PAGE}</div>".encode()) == "html"


@pytest.mark.parametrize(
    "text",
    [
        "<section.autisme@ars.fr> a écrit :\nVous avez 15 jours. R&amp;D",
        "<main-courante@mdph.fr>\nVous avez 15 jours. R&amp;D",
        "<Section 3 : recours avant le 3 avril 2026> Vous devez répondre.&nbsp;",
        "<Article 12> Vous devez répondre.&nbsp;",
        "<header du courrier> Vous devez répondre avant le 3 avril 2026.&nbsp;",
    ],
)
def test_a_text_that_begins_with_words_in_angle_brackets_is_read_whole(text: str) -> None:
    assert detect_kind(text.encode()) == "text"
    assert readers.read("text", text.encode(), Limits(60, 1 << 30, 50)).text == text


@pytest.mark.parametrize("address", ["accueil@mdph.fr", "Marie.Durand+mdph@mdph-91.example.fr"])
def test_an_address_in_angle_brackets_is_read_on_a_web_page(address: str) -> None:
    page = f"<p>Vous avez 15 jours.</p><p>Écrire à Mme Durand <{address}> ou venir.</p>".encode()
    assert detect_kind(page) == "html"
    text = readers.read("html", page, Limits(60, 1 << 30, 50)).text
    assert f"Écrire à Mme Durand <{address}> ou venir." in text


@pytest.mark.parametrize("name", ["b.c@", "a@b", "a=b", "a{b", "a}b", "a'b", "a:b:c", "a&b", "é"])
def test_an_element_of_any_name_is_no_obstacle(name: str) -> None:
    page = f"<p>Vous avez 15 jours.</p><p>Écrire à <{name}> avant le 3 mai.</p>".encode()
    assert "avant le 3 mai." in readers.read("html", page, Limits(60, 1 << 30, 50)).text


@pytest.mark.parametrize(
    "mark", ["<sup>1</sup>", "<sup><a href='#n1'>1</a></sup>", "<sup>(2)</sup>", "<sup>1, 2</sup>"]
)
def test_the_mark_of_a_note_on_a_web_page_is_no_part_of_a_number(mark: str) -> None:
    page = f"""<!DOCTYPE html><p>MDPH<p>Évry, le 12 mars 2026<p>N° de dossier : 91-2025-0045{mark}
        <p>Vous devez renvoyer le formulaire avant le 12/05/2026{mark} et payer 151,80{mark} €."""
    found = find_facts(clean(readers.read("html", page.encode(), Limits(60, 1 << 30, 50)).text))
    assert [date.iso for date in found.dates if date.kind == "deadline"] == ["2026-05-12"]
    assert [reference.text for reference in found.references] == ["91-2025-0045"]
    assert [amount.value for amount in found.amounts] == ["151.80"]


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("le 1<sup>er</sup> mai", "le 1er mai"),
        ("12 m<sup>2</sup>", "12 m²"),
        ("12<sup>,50</sup> €", "12,50 €"),
        ("19€<sup>99</sup>", "19€99"),
        ("14<sup>h30</sup>", "14h30"),
        ("<sup>1</sup> 24 mois", "¹ 24 mois"),
    ],
)
def test_other_raised_letters_of_a_web_page_stay(page: str, text: str) -> None:
    assert readers.read("html", f"<!DOCTYPE html><p>{page}".encode(), Limits(60, 1 << 30, 50)).text.strip() == text
