"""Rich text as Word writes it: nothing behind a picture is lost, and what its author deleted is not read."""

from __future__ import annotations

import pytest
from PIL import Image

from chat.documents.sandbox.rich_text import MAX_MARKS, _pieces
from chat.documents.sandbox.unread_parts import MAX_FILES
from chat.documents.text import MAX_CHARACTERS
from chat.documents.unreadable import Unread
from tests.chat.documents.test_unread_parts import photo, read
from tests.support import document_files
from tests.support.growth import assert_linear


def rich_text(body: str) -> bytes:
    return rf"{{\rtf1\ansi\ansicpg1252 {body}}}".encode("cp1252")


def word_picture(data: bytes) -> str:
    """With its identifier before the digits, and a second time for old programs."""
    lines = data.hex("\n", 64)
    head = r"\picscalex100\picwgoal9000\picw-1 \bliptag-1203 \pngblip{\*\blipuid 00112233445566778899aabbccddeeff}"
    old = r"\pict\picscalex100\wmetafile8\bliptag12{\*\blipuid 00112233}" + "0102" * 10
    return (
        rf"{{\*\shppict{{\pict{{\*\picprop\shplid1{{\sp{{\sn a}}{{\sv 1}}}}}}{head}{lines}}}}}{{\nonshppict{{{old}}}}}"
    )


def test_the_text_behind_a_large_picture_of_word_is_read(tesseract):
    picture = document_files.saved(document_files.noise(900, 900), "PNG")
    outcome = read(rich_text(rf"Avant{word_picture(picture)}\par Recours avant le 3 mai 2026.\par"))
    assert "Recours avant le 3 mai 2026." in outcome.text
    assert "89504e" not in outcome.text
    assert outcome.unread == (Unread("picture", None, "no_words"),)


def test_the_words_in_pictures_of_word_are_read(tesseract):
    data = photo("6 juin 2026")
    binary = rf"{{\pict\pngblip\bin{len(data)} ".encode() + data + b"}"
    shape = rf"{{\shp{{\*\shpinst{{\sp{{\sn pib}}{{\sv {word_picture(photo('7 juillet 2026'))}}}}}}}}}"
    body = rich_text("Voici BIN " + shape).replace(b"BIN", binary)
    outcome = read(body)
    assert "6 juin 2026" in outcome.text
    assert "7 juillet 2026" in outcome.text
    assert outcome.unread == ()


def test_a_picture_that_ends_with_the_file_is_reported():
    outcome = read(rich_text(rf"Recours avant le 3 mai 2026.\par {{\pict\pngblip {photo('4 mai').hex()[:4000]}")[:-1])
    assert "3 mai 2026" in outcome.text
    assert [each.part for each in outcome.unread] == ["picture"]


def test_pictures_of_rich_text_beyond_the_limit_are_reported():
    logo = document_files.saved(Image.new("L", (20, 20), 255), "PNG").hex()
    outcome = read(rich_text(r"Avant le 3 mai 2026." + rf"{{\pict\pngblip {logo}}}" * (MAX_FILES + 2)))
    assert outcome.unread == (Unread("picture", None, "too_many_pages"),) * 2


def test_the_data_of_an_object_does_not_push_out_the_text_behind_it():
    data = "00" * 900_000
    outcome = read(rich_text(rf"Tableau {{\object{{\*\objdata {data}}}{{\result x}}}}\par Avant le 3 mai 2026."))
    assert "3 mai 2026" in outcome.text
    assert outcome.unread == (Unread("attachment", None, "unsupported_type"),)


def test_a_text_that_is_too_long_is_said_to_be_cut():
    assert read(rich_text(r"{\b Bonjour}\par " * MAX_CHARACTERS)).unread == (Unread("rest", None, "too_heavy"),)
    assert read(rich_text(r"{\b Bonjour}\par ")).unread == ()


@pytest.mark.parametrize(
    "body",
    [
        r"Indu de {\rtlch\af0\deleted\revauthdel1 {\b 4}50}300 euros",
        r"Indu de \deleted 450 {\b ou} \deleted0 300 euros",
        r"Indu de {\mvf 450 }300 euros",
        r"Indu de {\deleted 450 \} {\pict\pngblip 00}}300 euros",
    ],
)
def test_deleted_text_is_not_read(body):
    assert " ".join(read(rich_text(body)).text.split()) == "Indu de 300 euros"


def test_the_text_of_old_text_boxes_and_of_comments_is_read():
    box = r"{\*\do\dobxcolumn\dptxbx{\dptxbxtext\pard Recours avant le 3 mai 2026\par}\dpx10}"
    comment = r"{\*\atnid X}{\*\annotation{\*\atnref 1}Appeler avant le 4 mai 2026}"
    text = read(rich_text(f"Bonjour {box}{comment} merci")).text
    assert all(words in text for words in ("3 mai 2026", "4 mai 2026", "merci"))


def form_field(orders: str, values: str) -> str:
    return rf"{{\field{{\*\fldinst{{\rtlch {orders} }}{{\*\formfield{{{values}{{\*\ffname Champ1}}}}}}}}{{\fldrslt}}}}"


def test_the_form_fields_of_rich_text_are_read():
    box = r"\fftype1\ffres{}\fftypetxt0\ffhps20\ffdefres{}"
    values = {"A": (1, 0), "B": (0, 1), "C": (25, 1), "D": (25, 0)}
    boxes = [form_field("FORMCHECKBOX", box.format(*each)) + f" {name}, " for name, each in values.items()]
    entries = r"{\*\ffl Accord}{\*\ffl Refus motiv\'e9}"
    lists = [form_field("FORMDROPDOWN", rf"\fftype2\ffres{value}\ffdefres0{entries}") for value in (1, 25)]
    text = read(rich_text("".join((*boxes, *lists)))).text
    assert "☒ A, ☐ B, ☒ C, ☐ D" in text
    assert "Refus motivéAccord" in text


@pytest.mark.parametrize(
    "orders",
    [
        r'{\*\fldinst{HYPERLINK "https://mdph33.fr/recours"}}',
        r'{\*\fldinst HYPERLINK "https://mdph33.fr/recours"}',
        r'{\*\fldinst {\rtlch\af0  HYPERLINK "https://mdph33.fr/recours" }{\rtlch{\*\datafield 00d0c9ea}}}',
    ],
)
def test_the_targets_of_links_in_rich_text_are_read(orders):
    links = [rf"{{\field{orders}{{\fldrslt {{{words}}}}}}}" for words in ("notre site", "ici")]
    text = read(rich_text(" et ".join(links))).text
    assert text.count("https://mdph33.fr/recours") == 2
    assert " ".join(text.replace("(https://mdph33.fr/recours)", "").split()) == "notre site et ici"


def test_the_boxes_of_wingdings_in_rich_text_are_read():
    field = r'{{\field{{\*\fldinst SYMBOL {} \\f "Wingdings" \\s 11}}{{\fldrslt\f3}}}}'
    text = read(rich_text(field.format(254) + " Accord " + field.format(168) + r" Refus {\f3 \u-3842?} Oui")).text
    assert "☒ Accord ☐ Refus" in text


def test_the_beginning_of_rich_text_with_endless_braces_is_read_and_the_rest_reported():
    outcome = read(rich_text(r"Avant le 3 mai 2026. {\pict}" + "{" * 2 * MAX_MARKS + r"Avant le 4 mai 2026."))
    assert outcome.text.strip() == "Avant le 3 mai 2026."
    assert Unread("rest", None, "too_heavy") in outcome.unread


@pytest.mark.parametrize(
    "piece", ["{", "{\\pict", "{\\pict}", "{\\*\\fldinst{", "\\deleted ", "{\\deleted a}", "\\bin1 "]
)
def test_the_time_to_take_rich_text_apart_is_linear(piece):
    assert_linear(lambda text: list(_pieces(text)), piece, 400_000)
