"""Drawings, charts, pictures and frames inside documents are read, or reported as unread."""

from __future__ import annotations

import base64
import io

import docx
import pytest
from PIL import Image

from chat.documents.sandbox.unread_parts import MAX_FILES
from chat.documents.unreadable import Unread
from tests.chat.documents.hostile_files import archive
from tests.chat.documents.test_unread_parts import open_document, photo, read, relate, saved, unpacked
from tests.support import document_files

UNREAD_PICTURE = Unread("picture", None, "no_words")
BLOTS = document_files.noise(500, 700)


def png(image: Image.Image) -> bytes:
    return document_files.saved(image, "PNG")


# --- Word -------------------------------------------------------------------------------------------------------------

DRAWING = "xmlns:a='http://schemas.openxmlformats.org/drawingml/2006/main'"
DIAGRAM = f"<dgm:dataModel xmlns:dgm='urn:dgm' {DRAWING}><dgm:pt><dgm:t><a:p><a:r><a:t>Recours avant le 3 mai 2026"
DIAGRAM += "</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:dataModel>"
VALUES = "<c:cat><c:pt><c:v>mai</c:v></c:pt></c:cat><c:val><c:pt><c:v>450</c:v></c:pt></c:val>"
CHART = f"<c:chart xmlns:c='urn:c' {DRAWING}><c:title><a:p><a:r><a:t>Indus</a:t></a:r></a:p></c:title><c:ser>"
CHART += f"<c:tx><c:v>Euros</c:v></c:tx>{VALUES}</c:ser></c:chart>"


def word_with(**parts: str) -> bytes:
    package = unpacked(document_files.word("Madame, voici le schéma."))
    for kind, content in parts.items():
        relate(package, kind, f"drawn/{kind}.xml")
        package[f"word/drawn/{kind}.xml"] = content.encode()
    return archive(package)


def test_the_smart_art_and_charts_of_a_word_file_are_read():
    text = read(word_with(diagramData=DIAGRAM, chart=CHART)).text
    assert "Recours avant le 3 mai 2026" in text
    assert "Indus\nEuros\tmai\t450" in text


def test_a_broken_or_missing_drawing_of_a_word_file_is_reported():
    package = unpacked(word_with(diagramData="<broken", chart=CHART))
    del package["word/drawn/chart.xml"]
    outcome = read(archive(package))
    assert "voici le schéma" in outcome.text
    assert outcome.unread == (Unread("picture", None, "damaged"),) * 2


def word_with_picture(data: bytes) -> bytes:
    document = docx.Document()
    document.add_paragraph("Madame, Monsieur, voici la lettre.")
    document.add_picture(io.BytesIO(data))
    return saved(document)


def rich_text_with_picture(data: bytes) -> bytes:
    return rb"{\rtf1 Madame, Monsieur, voici la lettre.{\pict\pngblip " + data.hex().encode() + b"}}"


def open_document_with_picture(data: bytes) -> bytes:
    return open_document(**{"Pictures/a.png": data})


WITH_PICTURE = {"Word": word_with_picture, "RTF": rich_text_with_picture, "ODT": open_document_with_picture}


@pytest.mark.parametrize("kind", WITH_PICTURE)
def test_a_large_picture_without_words_is_reported_and_a_logo_is_not(kind, tesseract):
    assert read(WITH_PICTURE[kind](png(BLOTS))).unread == (UNREAD_PICTURE,)
    for harmless in (BLOTS.resize((200, 60)), Image.new("L", (900, 900), 255)):
        assert read(WITH_PICTURE[kind](png(harmless))).unread == ()


def test_all_pages_of_a_fax_in_a_document_are_read(tesseract):
    days = ("3 mai 2026", "4 juin 2026", "5 juillet 2026")
    pages = [Image.open(io.BytesIO(photo(day))).convert("1") for day in days]
    fax = document_files.saved(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="group4")
    outcome = read(open_document_with_picture(fax))
    assert [day for day in days if day not in outcome.text] == []
    assert outcome.unread == ()


@pytest.mark.parametrize(("kind", "number"), [("GIF", 2), ("TIFF", MAX_FILES + 1)])
def test_further_pictures_in_a_picture_are_reported(kind, number, monkeypatch):
    monkeypatch.setattr("chat.documents.sandbox.ocr.recognise", lambda image, seconds: "Madame, voici la lettre")
    frames = [Image.new("L", (400, 400), 10 * each) for each in range(number)]
    outcome = read(
        open_document_with_picture(document_files.saved(frames[0], kind, save_all=True, append_images=frames[1:]))
    )
    assert outcome.unread == (Unread("picture", None, "too_many_pages"),)


# --- Web pages --------------------------------------------------------------------------------------------------------


def page(body: str) -> bytes:
    return f"<!DOCTYPE html><p>Madame, voici la lettre.</p>{body}".encode()


def in_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "frame",
    [
        "<iframe srcdoc='&lt;p&gt;Avant le &lt;b&gt;15&lt;/b&gt; avril 2026'></iframe>",
        f"<object data='data:application/pdf;base64,{in_base64(document_files.pdf())}'>Votre logiciel</object>",
        f"<embed src='data:application/pdf;base64,{in_base64(document_files.pdf())}'>",
        "<iframe src='data:text/plain,Avant%20le%2015%20avril%202026'></iframe>",
        "<svg><title>Icône</title><defs><text>1 mai</text></defs><text>Avant le <tspan>15</tspan> avril 2026</svg>",
    ],
)
def test_what_a_web_page_shows_in_a_frame_is_read(frame):
    outcome = read(page(frame))
    assert "voici la lettre" in outcome.text
    assert "vant le 15 avril 2026" in outcome.text
    assert not any(unseen in outcome.text for unseen in ("Icône", "1 mai", "Votre logiciel", "<b>"))
    assert outcome.unread == ()


@pytest.mark.parametrize(
    "frame", ["<object data='lettre.pdf'>", "<embed src='cid:1'>", "<iframe src='https://x.example'>"]
)
def test_a_frame_of_a_web_page_with_a_file_elsewhere_is_reported(frame):
    outcome = read(page(frame))
    assert "voici la lettre" in outcome.text
    assert [each.part for each in outcome.unread] == ["attachment"]


@pytest.mark.parametrize(
    "frame",
    ["<iframe src='https://x.example' width=0>", "<iframe src='https://x.example' style='display:none'>", "<iframe>"],
)
def test_a_frame_that_nobody_sees_is_not_reported(frame):
    assert read(page(frame)).unread == ()


def test_the_text_behind_a_large_picture_of_a_web_page_is_read(tesseract):
    picture = f"<img src='data:image/png;base64,{in_base64(png(document_files.noise(900, 900)))}'>"
    assert "avant le 3 mai 2026" in read(page(f"{picture}<p>avant le 3 mai 2026")).text


def test_pages_in_pages_end_at_the_depth_of_attachments():
    inner = "<p>Fin"
    for _ in range(6):
        inner = f"<iframe srcdoc='{inner.replace('&', '&amp;').replace('<', '&lt;').replace(chr(39), '&#39;')}'>"
    outcome = read(page(inner))
    assert "Fin" not in outcome.text
    assert [each.reason for each in outcome.unread] == ["too_many_pages"]
