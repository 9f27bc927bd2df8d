"""Every part of a document in any format that families send is read, or reported as unread."""

from __future__ import annotations

import base64
import io
import random
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import docx
import pypdfium2
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from PIL import Image
from reportlab.pdfgen import canvas

from chat.documents import reading
from chat.documents.kinds import detect_kind
from chat.documents.sandbox import readers
from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.outcome import Outcome
from chat.documents.sandbox.unread_parts import MAX_FILES
from chat.documents.unreadable import Unread, Unreadable
from tests.chat.documents.hostile_files import archive, picture_pdf, raw_pdf, stream
from tests.support import document_files
from tests.support.family_file_factories import lines, merged, repacked

SENTENCE = "Vous avez jusqu'au {} pour nous le dire\net vous pouvez venir avec vos papiers."


def read(data: bytes) -> Outcome:
    """Without a sandbox process."""
    return readers.read(detect_kind(data), data, Limits(seconds=120, memory_bytes=0, pages=50))


def photo(day: str) -> bytes:
    image = document_files.picture(SENTENCE.format(day), dots_per_inch=300).crop((0, 0, 2480, 700))
    return document_files.saved(image, "PNG")


def saved(document: Any) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


# --- Word -------------------------------------------------------------------------------------------------------------


def word_with_everything() -> bytes:
    document = docx.Document()
    section = document.sections[0]
    section.different_first_page_header_footer = True
    document.settings.odd_and_even_pages_header_footer = True
    for number, part in enumerate(
        (
            section.header,
            section.first_page_header,
            section.even_page_header,
            section.footer,
            section.first_page_footer,
        ),
        1,
    ):
        part.paragraphs[0].text = f"Partie {number} mai"
    box = (
        f"<w:p {nsdecls('w')} xmlns:v='urn:schemas-microsoft-com:vml'><w:r><w:pict><v:shape><v:textbox><w:txbxContent>"
        "<w:p><w:r><w:t>Cadre 6 mai</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>"
    )
    document.element.body.insert(0, parse_xml(box))
    document.add_table(rows=1, cols=1).rows[0].cells[0].text = "Tableau 7 mai"
    document.add_paragraph("Texte 8 mai")
    parts = unpacked(saved(document))
    for kind, text in (("footnotes", "Note 9 mai"), ("endnotes", "Note 10 mai")):
        note = f"<w:footnote w:id='1'><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:footnote>"
        note = f"<w:{kind} {nsdecls('w')}>{note}</w:{kind}>"
        parts[f"word/{kind}.xml"] = note.encode()
        relate(parts, kind, f"{kind}.xml")
    return archive(parts)


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return {name: package.read(name) for name in package.namelist()}


def relate(parts: dict[str, bytes], kind: str, target: str, name: str = "word/_rels/document.xml.rels") -> None:
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    entry = f'<Relationship Id="rId9{len(parts)}" Type="{base}/{kind}" Target="{target}"/></Relationships>'
    parts[name] = parts[name].replace(b"</Relationships>", entry.encode())


def test_every_part_of_a_word_file_is_read():
    text = read(word_with_everything()).text
    assert [number for number in range(1, 11) if f" {number} mai" not in text] == []


@pytest.mark.parametrize("kind", ["docm", "dotx", "dotm", "strict", "document2"])
def test_every_dialect_of_word_is_read(kind):
    parts = unpacked(document_files.word())
    types, document = parts["[Content_Types].xml"], parts["word/document.xml"]
    usual = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    match kind:
        case "strict":
            parts["word/document.xml"] = document.replace(
                b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
                b"http://purl.oclc.org/ooxml/wordprocessingml/main",
            )
            parts["_rels/.rels"] = parts["_rels/.rels"].replace(
                b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument",
                b"http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument",
            )
        case "document2":
            parts["word/document2.xml"] = parts.pop("word/document.xml")
            parts["word/_rels/document2.xml.rels"] = parts.pop("word/_rels/document.xml.rels")
            parts["_rels/.rels"] = parts["_rels/.rels"].replace(b"document.xml", b"document2.xml")
            parts["[Content_Types].xml"] = types.replace(b"document.xml", b"document2.xml")
        case _:
            name = {
                "docm": b"ms-word.document.macroEnabled",
                "dotx": usual[12:-4].replace(b"document.main", b"template.main"),
                "dotm": b"ms-word.template.macroEnabledTemplate",
            }[kind]
            parts["[Content_Types].xml"] = types.replace(usual, b"application/vnd." + name + b"+xml")
    assert "2025-104872" in read(archive(parts)).text


def test_all_pictures_of_a_word_file_are_read_and_a_broken_one_is_reported(tesseract):
    document = docx.Document()
    document.add_paragraph("Madame, voici les deux pages de la lettre.")
    for day in ("3 mai 2026", "4 juin 2026"):
        document.add_picture(io.BytesIO(photo(day)))
    data = saved(document)
    outcome = read(data)
    assert all(day in outcome.text for day in ("deux pages", "3 mai 2026", "4 juin 2026"))
    assert outcome.unread == ()
    parts = unpacked(data)
    parts["word/media/image2.png"] = parts["word/media/image2.png"][:400]
    outcome = read(archive(parts))
    assert "3 mai 2026" in outcome.text
    assert outcome.unread == (Unread("picture", None, "damaged"),)
    del parts["word/media/image2.png"]
    assert read(archive(parts)).unread == (Unread("picture", None, "damaged"),)


# --- PDF --------------------------------------------------------------------------------------------------------------

LONG_TEXT = "Madame, Monsieur, nous avons bien reçu votre demande et nous vous en remercions.\n" * 6


def drawn(draw: Callable[[canvas.Canvas], None]) -> bytes:
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer)
    draw(page)
    page.save()
    return buffer.getvalue()


def text_and_picture(page: canvas.Canvas, picture: Image.Image, box: tuple[int, int, int, int]) -> None:
    lines = page.beginText(60, 780)
    lines.textLines(LONG_TEXT)
    page.drawText(lines)
    page.drawInlineImage(picture, *box)


def test_a_scanned_body_under_electronic_text_is_read(tesseract):
    body = Image.open(io.BytesIO(photo("13 avril 2026")))
    outcome = read(drawn(lambda page: text_and_picture(page, body, (40, 300, 500, 141))))
    assert "votre demande" in outcome.text
    assert "13 avril 2026" in outcome.text
    assert outcome.unread == ()


def test_a_large_picture_without_words_is_reported(tesseract):
    blots = document_files.noise(300, 300).point(lambda shade: 0 if shade < 110 else 255)
    outcome = read(drawn(lambda page: text_and_picture(page, blots, (40, 100, 500, 500))))
    assert "votre demande" in outcome.text
    assert [(each.part, each.page) for each in outcome.unread] == [("picture", 1)]


def test_a_page_whose_picture_cannot_be_drawn_is_reported():
    with pypdfium2.PdfDocument.new() as merged:
        for data in (document_files.pdf(), picture_pdf(50_000, 50_000, bytes(1000), 2)):
            merged.import_pages(pypdfium2.PdfDocument(data))
        outcome = read(saved(merged))
    assert "2025-104872" in outcome.text
    assert outcome.unread == (Unread("page", 2, "no_words"),)


def test_letters_drawn_as_outlines_are_read(tesseract):
    pdf = pypdfium2.PdfDocument(document_files.pdf(SENTENCE.format("13 avril 2026")))
    vectors = outlined(pdf)
    assert "13 avril 2026" in read(vectors).text


def outlined(pdf: pypdfium2.PdfDocument) -> bytes:
    """The first page's ink as small curved shapes, as programs draw text that is not to be copied."""
    image = pdf[0].render(scale=3, grayscale=True).to_pil()

    def draw(page: canvas.Canvas) -> None:
        for y in range(image.height):
            for x in range(image.width):
                if image.getpixel((x, y)) < 128:
                    path = page.beginPath()
                    left, bottom = x / 3, (image.height - y) / 3
                    path.moveTo(left, bottom)
                    path.curveTo(left + 0.1, bottom + 0.2, left + 0.3, bottom + 0.4, left + 0.4, bottom + 0.4)
                    path.lineTo(left + 0.4, bottom)
                    page.drawPath(path, stroke=0, fill=1)

    return drawn(draw)


def test_a_font_that_maps_its_letters_to_others_is_read_by_ocr(tesseract):
    """Shows French, but its text says something else: `Differences` of the encoding lie."""
    shown = SENTENCE.format("13 avril 2026").replace("\n", " ").encode("cp1252")
    codes = {byte: code for code, byte in enumerate(sorted(set(shown)), 33)}
    names = {
        32: "space",
        39: "quotesingle",
        44: "comma",
        46: "period",
        48: "zero",
        49: "one",
        50: "two",
        51: "three",
        54: "six",
    }
    names |= {byte: chr(byte) for byte in range(ord("A"), ord("z") + 1)} | {0xE9: "eacute", 0xE0: "agrave"}
    differences = " ".join(f"{code} /{names[byte]}" for byte, code in codes.items())
    to_unicode = (
        b"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <FF> endcodespacerange\n"
        + b"%d beginbfchar\n" % len(codes)
        + b"".join(b"<%02X> <%04X>\n" % (code, 0x41 + code % 26) for code in codes.values())
        + b"endbfchar endcmap end"
    )
    text = b"".join(b"%02X" % codes[byte] for byte in shown)
    lines = b" ".join(b"1 0 0 1 40 %d Tm <%s> Tj" % (y, text) for y in range(780, 600, -20))
    pdf = raw_pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 5 0 R>>>>/Contents 4 0 R>>",
        stream(b"BT /F 9 Tf " + lines + b" ET"),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R/Encoding<</Differences[%s]>>>>"
        % differences.encode(),
        stream(to_unicode),
    )
    assert "13 avril 2026" in read(pdf).text


def test_text_typed_onto_a_pdf_is_read():
    annotation = (
        b"<</Type/Annot/Subtype/FreeText/Rect[60 60 300 90]/DA(/Helv 12 Tf)/Contents(Rendez-vous le 3 mai 2026)/F 4>>"
    )
    data = raw_pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Annots[4 0 R]>>",
        annotation,
    )
    assert "3 mai 2026" in read(data).text


def test_a_form_that_asks_to_wait_is_refused_with_advice():
    text = b"BT /F 12 Tf 60 700 Td (Please wait... If this message is not replaced, your viewer) Tj ET"
    data = raw_pdf(
        b"<</Type/Catalog/Pages 2 0 R/NeedsRendering true/AcroForm<</Fields[]/XFA 6 0 R>>>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F 5 0 R>>>>/Contents 4 0 R>>",
        stream(text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        stream(b"<xdp/>"),
    )
    with pytest.raises(Unreadable) as raised:
        read(data)
    assert raised.value.code == "needs_adobe"


def test_the_files_of_a_portfolio_are_read_and_the_others_reported():
    pdf = pypdfium2.PdfDocument(document_files.pdf("Ouvrez ce porte-documents avec un autre programme."))
    for name, data in (("lettre.pdf", document_files.pdf()), ("a.exe", b"MZ\x90\x00\x03" + bytes(200))):
        pdf.new_attachment(name).set_data(data)
    outcome = read(saved(pdf))
    assert "2025-104872" in outcome.text
    assert outcome.pages == 2
    assert outcome.unread == (Unread("attachment", None, "unsupported_type"),)


# --- Other formats ----------------------------------------------------------------------------------------------------


def open_document(**parts: bytes) -> bytes:
    names = (
        "xmlns:o='urn:oasis:names:tc:opendocument:xmlns:office:1.0'"
        " xmlns:text='urn:oasis:names:tc:opendocument:xmlns:text:1.0'"
        " xmlns:draw='urn:oasis:names:tc:opendocument:xmlns:drawing:1.0' xmlns:xlink='http://www.w3.org/1999/xlink'"
    )
    body = (
        "<text:tracked-changes><text:p>Supprimé 1 mai</text:p></text:tracked-changes>"
        "<text:h>Objet</text:h><text:p>Avant<text:s/>le<text:tab/><text:span>3 mai 2026</text:span> au plus tard"
        "<text:note><text:note-body><text:p>Note 4 mai</text:p></text:note-body></text:note>, merci</text:p>"
        "<draw:frame><draw:image xlink:href='Pictures/a.png'/></draw:frame>"
    )
    files = {
        "mimetype": b"application/vnd.oasis.opendocument.text",
        "content.xml": f"<o:document {names}>{body}</o:document>".encode(),
        "styles.xml": f"<o:styles {names}><text:p>En-tête 5 mai</text:p></o:styles>".encode(),
        "Pictures/a.png": photo("6 juin 2026"),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as package:
        for name, data in (files | parts).items():
            package.writestr(name, data)
    return buffer.getvalue()


def test_an_open_document_is_read(tesseract):
    text = read(open_document()).text
    assert "Avant le\t3 mai 2026 au plus tard, merci" in text
    assert all(day in text for day in ("4 mai", "5 mai", "6 juin 2026"))
    assert "Supprimé" not in text


def test_a_locked_open_document_is_reported_as_locked():
    with pytest.raises(Unreadable) as raised:
        read(open_document(**{"META-INF/manifest.xml": b"<manifest><encryption-data/></manifest>"}))
    assert raised.value.code == "encrypted"


def test_rich_text_is_read(tesseract):
    picture = photo("6 juin 2026").hex()
    data = (
        r"{\rtf1\ansi\ansicpg1252{\header\pard En-t\'eate 3 mai\par}{\footerf 4 mai}"
        r"\pard D\'e9cision du 5 mai 2026{\footnote Note 7 mai}.\par"
        r"{\shp{\*\shpinst\shpleft1{\sp{\sn a}{\sv 1}}{\shptxt Cadre 8 mai\par}}}"
        rf"{{\pict\pngblip\picw100 {picture}}}{{\pict\wmetafile8 0102}}}}"
    ).encode()
    outcome = read(data)
    assert "Décision du 5 mai 2026" in outcome.text
    assert all(day in outcome.text for day in ("En-tête 3 mai", "4 mai", "7 mai", "Cadre 8 mai", "6 juin 2026"))
    assert outcome.unread == (Unread("picture", None, "unsupported_type"),)


def test_a_web_page_is_read_as_it_is_shown(tesseract):
    picture = base64.b64encode(photo("6 juin 2026")).decode()
    data = (
        "<!DOCTYPE html><html><head><title>x</title><style>p{}</style></head><body><p>Avant le <b>3</b> mai\n2026.</p>"
        "<script>alert('1 mai')</script><div style='display: none'>2 mai</div>"
        "<table><tr><td>A</td><td>12&nbsp;€</td></tr>"
        f"</table><img src='data:image/png;base64,{picture}'></body></html>"
    ).encode()
    text = read(data).text
    assert "Avant le 3 mai 2026." in text
    assert "12 €" in text.replace("\xa0", " ")
    assert "6 juin 2026" in text
    assert "1 mai" not in text
    assert "2 mai" not in text


@pytest.mark.parametrize("head", ["", "<p>Bonjour,</p><p>"])
def test_a_web_page_of_one_very_long_text_is_read(head):
    outcome = read(f"<!DOCTYPE html>{head}{'Avant le 3 mai 2026. ' * 520_000}".encode())
    assert outcome.text.count("3 mai 2026") == 520_000


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("<meta charset=iso-8859-15>", "iso-8859-15"),
        ("<META http-equiv='Content-Type' content='text/html; charset=ISO-8859-15'>", "iso-8859-15"),
        ('<meta name="a"><meta charset="windows-1252">', "cp1252"),
        ("<meta charset=iso-8859-1>", "cp1252"),
        ("<meta charset=iso-8859-15>", "utf-8"),
        ("<meta charset=iso-8859-15>", "utf-8-sig"),
        ("<meta charset=utf-16>", "cp1252"),
        ("<meta charset=iso-8859-99>", "cp1252"),
    ],
)
def test_a_web_page_is_read_in_its_charset(charset, encoding):
    page = f"<!DOCTYPE html><head>{charset}</head><p>Décidé : 150 €, à payer".encode(encoding)
    assert reading.read(page, document_files.SENDER).text == "Décidé : 150 €, à payer"


def test_an_e_mail_is_read_with_its_attachments():
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "mdph@example.org", "famille@example.org", "Décision du 3 mai"
    message["Message-ID"] = "<1@example.org>"
    message.set_content("Bonjour, voici la décision. Répondez avant le 4 mai 2026.")
    message.add_alternative("<html><body><p>Bonjour en HTML</p></body></html>", subtype="html")
    message.add_attachment(document_files.pdf(), maintype="application", subtype="pdf", filename="a.pdf")
    message.add_attachment(b"MZ\x90\x00\x03" + bytes(200), maintype="application", subtype="x", filename="a.exe")
    outcome = read(message.as_bytes())
    assert all(text in outcome.text for text in ("Objet : Décision du 3 mai", "4 mai 2026", "2025-104872"))
    assert outcome.unread == (Unread("attachment", None, "unsupported_type"),)


def test_a_pasted_e_mail_without_technical_headers_is_text():
    assert detect_kind(b"De: la MDPH\nObjet: d\xc3\xa9cision\n\nBonjour") == "text"


def test_the_photos_of_phones_are_read(tesseract):
    image = document_files.picture(document_files.NOTE, dots_per_inch=150).convert("RGB")
    for data in ((Path(__file__).parent / "photo.heic").read_bytes(), document_files.saved(image, "AVIF")):
        assert "12,50" in read(data).text


def test_a_damaged_photo_of_a_phone_is_reported_as_damaged():
    with pytest.raises(Unreadable) as raised:
        read(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + random.Random(3).randbytes(90))
    assert raised.value.code == "damaged"


# --- More parts than the limit ----------------------------------------------------------------------------------------


def test_pictures_of_an_open_document_beyond_the_limit_are_reported(monkeypatch):
    monkeypatch.setenv("PATH", "")  # without OCR
    number = MAX_FILES + 3
    frames = "".join(
        f"<draw:frame><draw:image xlink:href='Pictures/{each}.png'/></draw:frame>" for each in range(number)
    )
    parts = {f"Pictures/{each}.png": b"" for each in range(number)}
    content = unpacked(open_document())["content.xml"].replace(b"</o:document>", frames.encode() + b"</o:document>")
    outcome = read(open_document(**{"content.xml": content}, **parts))
    assert "3 mai 2026" in outcome.text
    assert len(outcome.unread) == number + 1
    assert outcome.unread[-1] == Unread("picture", None, "too_many_pages")


def test_files_of_a_portfolio_beyond_the_limit_are_reported():
    pdf = pypdfium2.PdfDocument(document_files.pdf("Ouvrez ce porte-documents."))
    for number in range(MAX_FILES + 3):
        pdf.new_attachment(f"{number:02}.pdf").set_data(document_files.pdf(f"Pièce {number}"))
    outcome = read(saved(pdf))
    assert outcome.text.count("Pièce") == MAX_FILES
    assert outcome.unread == (Unread("attachment", None, "too_many_pages"),) * 3


def test_a_word_file_of_very_many_pictures_is_read_and_the_rest_reported():
    document = docx.Document()
    document.add_paragraph("Madame, répondez avant le 3 mai 2026.")
    parts = unpacked(saved(document))
    for number in range(600):
        relate(parts, "image", f"media/{number}.png")
        parts[f"word/media/{number}.png"] = b""
    document_read = reading.read(archive(parts), document_files.SENDER)
    assert "3 mai 2026" in document_read.text
    assert document_read.unread == (
        Unread("picture", None, "unsupported_type"),
        Unread("picture", None, "too_many_pages"),
    )


# --- Files in Word and PDF files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name"), [("package", "embeddings/a.docx"), ("aFChunk", "a.docx")])
def test_a_document_in_a_word_file_is_read(kind, name):
    parts = unpacked(document_files.word("Madame, voici la lettre."))
    relate(parts, kind, name)
    parts[f"word/{name}"] = document_files.word()
    outcome = read(archive(parts))
    assert "voici la lettre" in outcome.text
    assert "2025-104872" in outcome.text
    assert outcome.unread == ()


def test_an_object_of_an_old_program_in_a_word_file_is_reported():
    parts = unpacked(document_files.word("Madame, voici le tableau."))
    relate(parts, "oleObject", "embeddings/a.bin")
    parts["word/embeddings/a.bin"] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    relate(parts, "package", "embeddings/missing.xlsx")
    outcome = read(archive(parts))
    assert "voici le tableau" in outcome.text
    assert outcome.unread == (Unread("attachment", None, "damaged"), Unread("attachment", None, "other_word"))


def test_a_text_attached_to_a_pdf_is_read_and_the_data_of_an_invoice_is_not():
    pdf = pypdfium2.PdfDocument(document_files.pdf("Bonjour, voici la facture."))
    pdf.new_attachment("lettre.txt").set_data(b"Rendez-vous le 9 mai 2026")
    pdf.new_attachment("factur-x.xml").set_data(b"\xef\xbb\xbf<?xml version='1.0'?><x>10 mai 2026</x>")
    text = read(saved(pdf)).text
    assert "9 mai 2026" in text
    assert "10 mai 2026" not in text


def test_an_embedded_object_in_rich_text_is_reported():
    data = rb"{\rtf1 Rendez-vous le 3 mai{\object\objemb{\*\objclass Word.Document.12}{\*\objdata 0105}}}"
    outcome = read(data)
    assert "3 mai" in outcome.text
    assert outcome.unread == (Unread("attachment", None, "unsupported_type"),)


def test_a_picture_of_an_open_document_with_a_dot_in_its_path_is_read(tesseract):
    content = unpacked(open_document())["content.xml"].replace(b"'Pictures/a.png'", b"'./Pictures/a.png'")
    outcome = read(open_document(**{"content.xml": content}))
    assert "6 juin 2026" in outcome.text
    assert outcome.unread == ()


@pytest.mark.parametrize("left", [None, b""])
@pytest.mark.parametrize("part", ["header", "footer"])
def test_a_word_file_without_a_part_that_it_refers_to_is_read(part, left):
    data = document_files.word(header="En-tête", footer="Pied de page")
    outcome = read(repacked(data, lambda name, content: left if f"word/{part}" in name else content))
    assert "15 avril" in outcome.text
    assert ("En-tête" in outcome.text, "Pied de page" in outcome.text) == (part != "header", part != "footer")
    assert outcome.unread == ()


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_a_turned_page_is_read_to_all_its_edges(rotate):
    def corners(page: canvas.Canvas) -> None:
        for left, top in ((10, 830), (500, 830), (10, 5), (500, 5)):
            page.drawString(left, top, f"Place {left} {top}")

    text = read(merged(drawn(corners), rotate=rotate)).text
    assert all(place in text for place in ("Place 10 830", "Place 500 830", "Place 10 5", "Place 500 5"))


@pytest.mark.parametrize(("rotate", "origin"), [(0, (0, 0)), (90, (595, 0)), (180, (595, 842)), (270, (0, 842))])
def test_the_lines_of_a_page_that_is_shown_turned_stay_apart(rotate, origin):
    def upright(page: canvas.Canvas) -> None:
        page.translate(*origin)
        page.rotate(rotate)
        lines(
            page,
            "\n".join([*(letter := SENTENCE.format("3 mai").splitlines()), "Montant : 151,80 €", *letter]),
            top=500,
        )

    text = read(merged(drawn(upright), rotate=rotate)).text
    assert "Montant : 151,80 €" in text.splitlines()


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_what_lies_outside_a_turned_page_is_not_read(rotate):
    def around(page: canvas.Canvas) -> None:
        for left, top, day in (
            (300, 900, 1),
            (300, -50, 2),
            (-200, 400, 3),
            (700, 400, 4),
            (300, 15, 5),
            (300, 820, 6),
        ):
            page.drawString(left, top, f"HORS PAGE 0{day}/04/2026")
        page.rotate(rotate)
        page.translate(*{0: (0, 0), 90: (0, -595), 180: (-595, -842), 270: (-842, 0)}[rotate])
        lines(page, f"Montant : 151,80 €\n{SENTENCE.format('3 mai')}\nCordialement", top=500)

    pdf = pypdfium2.PdfDocument(merged(drawn(around), rotate=rotate))
    pdf[0].set_cropbox(0, 50, 595, 800)
    text = read(saved(pdf)).text
    assert "HORS" not in text
    expected = ["Montant : 151,80 €", *SENTENCE.format("3 mai").splitlines(), "Cordialement"]
    assert [line.strip() for line in text.splitlines() if line.strip()] == expected
