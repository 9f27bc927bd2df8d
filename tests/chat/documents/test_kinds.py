"""PDF, Word, photos and scans: detected by their content and read, and their facts found."""

from __future__ import annotations

import io
from typing import Any

import docx
import pypdfium2
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls
from PIL import Image
from reportlab.lib import pdfencrypt
from reportlab.pdfgen import canvas

from tests.support import document_files

pytestmark = pytest.mark.django_db


@pytest.fixture
def send(visitor):
    """Sends a file; its default name has no extension."""

    def send(data: bytes, name: str = "document", **headers: str) -> Any:
        form = {"file": SimpleUploadedFile(name, data), "documentType": "mdph"}
        return visitor.post("/api/chat/analyze-document", form, headers={"Accept-Language": "fr", **headers})

    return send


def facts_in(reply: Any) -> tuple[list[str], list[str], list[str]]:
    assert reply.status_code == 200, reply.content
    data = reply.json()["extractedData"]
    return (
        [date["iso"] or date["text"] for date in data["dates"]],
        [amount["value"] for amount in data["amounts"]],
        [reference["text"] for reference in data["references"]],
    )


# The facts of document_files.NOTE and document_files.LETTER.
NOTE_FACTS: tuple[list[str], list[str], list[str]] = (["2026-11-14", "2026-11-20"], ["12.50"], [])
LETTER_FACTS = (["2026-04-15", "2026-03-12", "2026-03-03", "2026-05-01"], ["151.80"], ["2025-104872"])


@pytest.mark.parametrize("name", ["lettre.pdf", "lettre.docx", "photo.jpg", "sans nom"])
@pytest.mark.parametrize("kind", ["pdf", "word", "text"])
def test_the_file_name_does_not_matter(send, ai, kind, name):
    data = {"pdf": document_files.pdf(), "word": document_files.word(), "text": document_files.LETTER.encode()}[kind]
    assert facts_in(send(data, name)) == LETTER_FACTS


def test_all_pages_of_a_pdf_are_read(send, ai):
    pages = [f"Page {number}. Rendez-vous le {number} juin 2026." for number in range(1, 31)]
    assert facts_in(send(document_files.pdf(*pages)))[0] == [f"2026-06-{day:02}" for day in range(1, 31)]


def test_the_fields_of_a_pdf_form_are_read(send, ai):
    buffer = io.BytesIO()
    form = canvas.Canvas(buffer)
    form.drawString(60, 780, "Dossier complet avant le :")
    form.acroForm.textfield(name="quand", value="15 avril 2026", x=60, y=700, width=200, height=24)
    form.save()
    assert facts_in(send(buffer.getvalue()))[0] == ["2026-04-15"]


def test_a_pdf_with_a_line_before_its_header_is_read(send, ai):
    assert facts_in(send(b"Scanner v1.2\r\n" + document_files.pdf())) == LETTER_FACTS


def test_word_is_read_with_header_footer_table_and_content_controls(send, ai):
    data = document_files.word(
        "Madame,",
        "À renvoyer avant le 15 avril 2026.",
        rows=[("Aide humaine", "12 000 €"), ("Transport", "150 €")],
        header="Dossier n° 2025-104872",
        footer="Notifié le 12 mars 2026",
    )
    document = docx.Document(io.BytesIO(data))
    control, text = OxmlElement("w:sdt"), "<w:p><w:r><w:t>Visite le 3 mai 2026</w:t></w:r></w:p>"
    control.append(parse_xml(f"<w:sdtContent {nsdecls('w')}>{text}</w:sdtContent>"))
    document.element.body.insert(0, control)
    buffer = io.BytesIO()
    document.save(buffer)

    assert facts_in(send(buffer.getvalue())) == (
        ["2026-04-15", "2026-05-03", "2026-03-12"],
        ["12000", "150"],
        ["2025-104872"],
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_photo_of_a_letter_is_read(send, ai, tesseract, kind):
    assert (
        facts_in(send(document_files.saved(document_files.picture(document_files.NOTE, dots_per_inch=150), kind)))
        == NOTE_FACTS
    )


@pytest.mark.parametrize(
    ("orientation", "transposition"),
    [(6, Image.Transpose.ROTATE_90), (2, Image.Transpose.FLIP_LEFT_RIGHT)],
    ids=["sideways", "mirrored"],
)
def test_a_photo_is_read_in_its_exif_orientation(send, ai, tesseract, orientation, transposition):
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = document_files.picture(document_files.NOTE, dots_per_inch=150).transpose(transposition)
    assert facts_in(send(document_files.saved(photo, "JPEG", exif=exif.tobytes()))) == NOTE_FACTS


def test_a_large_photo_is_scaled_and_read(send, ai, tesseract):
    large = document_files.picture(document_files.NOTE).resize((7000, 9900)).convert("RGB")  # 69 million pixels
    assert facts_in(send(document_files.saved(large, "JPEG", quality=60))) == NOTE_FACTS


def test_a_transparent_image_is_read_on_white(send, ai, tesseract):
    grey = document_files.picture(document_files.NOTE, dots_per_inch=150)
    transparent = Image.new("RGBA", grey.size, (0, 0, 0, 0))
    transparent.putalpha(grey.point(lambda shade: 255 - shade))
    assert facts_in(send(document_files.saved(transparent, "PNG"))) == NOTE_FACTS


def test_scanned_pages_between_text_pages_are_read(send, ai, tesseract):
    scanned = document_files.picture(
        "Vous êtes convoqués en entretien à la maison départementale\nle 3 juin 2026 à 9 h."
    )
    with_text = document_files.pdf("Dossier n° 2025-104872", "Date limite : 30 juin 2026")
    assert facts_in(send(_merged(with_text, document_files.scan(scanned)))) == (
        ["2026-06-30", "2026-06-03"],
        [],
        ["2025-104872"],
    )


def test_a_word_file_with_only_a_photo_is_read(send, ai, tesseract):
    document = docx.Document()
    document.add_picture(
        io.BytesIO(document_files.saved(document_files.picture(document_files.NOTE, dots_per_inch=150), "PNG"))
    )
    buffer = io.BytesIO()
    document.save(buffer)
    assert facts_in(send(buffer.getvalue())) == NOTE_FACTS


def test_a_pdf_with_only_an_owner_password_is_read(send, ai):
    only_printing = pdfencrypt.StandardEncryption("", ownerPassword="secret", canModify=0, strength=128)
    assert facts_in(send(document_files.pdf(encrypt=only_printing))) == LETTER_FACTS


def test_tracked_insertions_are_read_and_deletions_are_not(send, ai):
    document = docx.Document()
    run = "<w:r><w:t>Rendez-vous le {}</w:t></w:r>"
    inserted = f"<w:ins w:id='1' w:author='a'>{run.format('4 mai 2026')}</w:ins>"
    deleted = f"<w:del w:id='2' w:author='a'>{run.format('3 mai 2026').replace('w:t>', 'w:delText>')}</w:del>"
    document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{deleted}{inserted}</w:p>"))
    buffer = io.BytesIO()
    document.save(buffer)
    assert facts_in(send(buffer.getvalue()))[0] == ["2026-05-04"]


@pytest.mark.parametrize("kind", ["GIF", "BMP"])
def test_old_image_formats_are_read(send, ai, tesseract, kind):
    assert (
        facts_in(send(document_files.saved(document_files.picture(document_files.NOTE, dots_per_inch=150), kind)))
        == NOTE_FACTS
    )


def test_all_pages_of_a_fax_are_read(send, ai, tesseract):
    pages = [
        document_files.picture(f"Convocation\nRendez-vous le {day} juin 2026 à 9 h.\nMerci.").convert("1")
        for day in (3, 4)
    ]
    fax = document_files.saved(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="group4")
    assert facts_in(send(fax))[0] == ["2026-06-03", "2026-06-04"]


def test_without_tesseract_a_photo_is_rejected_with_advice(send, ai, own_fork_server, monkeypatch):
    monkeypatch.setenv("PATH", "")
    reply = send(document_files.saved(document_files.picture(dots_per_inch=150), "PNG"))
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["code"] == "no_ocr"
    assert "collez son texte" in reply.json()["detail"]


def test_a_photo_is_not_damaged_when_tesseract_does_not_start(send, ai, own_fork_server, monkeypatch, tmp_path):
    (tmp_path / "tesseract").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    reply = send(document_files.saved(document_files.picture(dots_per_inch=150), "PNG"))
    assert reply.json()["errors"][0]["code"] == "no_ocr"


def test_without_tesseract_the_text_pages_are_read(send, ai, own_fork_server, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert (
        facts_in(send(_merged(document_files.pdf(), document_files.scan(document_files.picture(dots_per_inch=100)))))
        == LETTER_FACTS
    )


def _merged(*documents: bytes) -> bytes:
    buffer = io.BytesIO()
    with pypdfium2.PdfDocument.new() as merged:
        for data in documents:
            with pypdfium2.PdfDocument(data) as part:
                merged.import_pages(part)
        merged.save(buffer)
    return buffer.getvalue()
