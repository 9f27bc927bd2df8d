"""PDF, Word, photographs and scans: told apart by what is in them, read, and their facts found."""

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

from tests.chat import papers

pytestmark = pytest.mark.django_db


@pytest.fixture
def send(visitor):
    """Sends a file under a name that says nothing."""

    def send(data: bytes, name: str = "document", **headers: str) -> Any:
        form = {"file": SimpleUploadedFile(name, data), "documentType": "mdph"}
        return visitor.post("/api/chat/analyze-document", form, headers={"Accept-Language": "fr", **headers})

    return send


def facts_in(reply: Any) -> tuple[list[str], list[str], list[str]]:
    assert reply.status_code == 200, reply.content
    found = reply.json()["extractedData"]
    return (
        [date["iso"] or date["text"] for date in found["dates"]],
        [amount["value"] for amount in found["amounts"]],
        [reference["text"] for reference in found["references"]],
    )


# Of papers.LETTER and papers.NOTE.
NOTED = (["2026-11-14", "2026-11-20"], ["12.50"], [])
ALL_FACTS = (["2026-04-15", "2026-03-03", "2026-03-12", "2026-05-01"], ["151.80"], ["2025-104872"])


@pytest.mark.parametrize("name", ["lettre.pdf", "lettre.docx", "photo.jpg", "sans nom"])
@pytest.mark.parametrize("kind", ["pdf", "word", "text"])
def test_a_letter_is_read_whatever_its_name_claims(send, ai, kind, name):
    data = {"pdf": papers.pdf(), "word": papers.word(), "text": papers.LETTER.encode()}[kind]
    assert facts_in(send(data, name)) == ALL_FACTS


def test_a_pdf_is_read_page_after_page(send, ai):
    pages = [f"Page {number}. Rendez-vous le {number} juin 2026." for number in range(1, 31)]
    assert facts_in(send(papers.pdf(*pages)))[0] == [f"2026-06-{day:02}" for day in range(1, 31)]


def test_what_was_filled_into_a_form_is_read(send, ai):
    made = io.BytesIO()
    form = canvas.Canvas(made)
    form.drawString(60, 780, "Dossier complet avant le :")
    form.acroForm.textfield(name="quand", value="15 avril 2026", x=60, y=700, width=200, height=24)
    form.save()
    assert facts_in(send(made.getvalue()))[0] == ["2026-04-15"]


def test_a_scanner_that_writes_before_the_beginning_does_no_harm(send, ai):
    assert facts_in(send(b"Scanner v1.2\r\n" + papers.pdf())) == ALL_FACTS


def test_word_is_read_with_its_header_footer_table_and_fields(send, ai):
    data = papers.word(
        "Madame,",
        "À renvoyer avant le 15 avril 2026.",
        rows=[("Aide humaine", "12 000 €"), ("Transport", "150 €")],
        header="Dossier n° 2025-104872",
        footer="Notifié le 12 mars 2026",
    )
    document = docx.Document(io.BytesIO(data))
    field, text = OxmlElement("w:sdt"), "<w:p><w:r><w:t>Visite le 3 mai 2026</w:t></w:r></w:p>"
    field.append(parse_xml(f"<w:sdtContent {nsdecls('w')}>{text}</w:sdtContent>"))
    document.element.body.insert(0, field)
    made = io.BytesIO()
    document.save(made)

    assert facts_in(send(made.getvalue())) == (
        ["2026-04-15", "2026-05-03", "2026-03-12"],
        ["12000", "150"],
        ["2025-104872"],
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_photograph_of_a_letter_is_read(send, ai, tesseract, kind):
    assert facts_in(send(papers.saved(papers.picture(papers.NOTE, dots_per_inch=150), kind))) == NOTED


@pytest.mark.parametrize(
    ("held", "lying"),
    [(6, Image.Transpose.ROTATE_90), (2, Image.Transpose.FLIP_LEFT_RIGHT)],
    ids=["sideways", "mirrored"],
)
def test_a_photograph_is_read_as_the_camera_says_that_it_was_held(send, ai, tesseract, held, lying):
    exif = Image.Exif()
    exif[0x0112] = held
    seen = papers.picture(papers.NOTE, dots_per_inch=150).transpose(lying)
    assert facts_in(send(papers.saved(seen, "JPEG", exif=exif.tobytes()))) == NOTED


def test_a_large_photograph_is_scaled_and_read(send, ai, tesseract):
    large = papers.picture(papers.NOTE).resize((7000, 9900)).convert("RGB")  # 69 million dots
    assert facts_in(send(papers.saved(large, "JPEG", quality=60))) == NOTED


def test_a_drawing_on_nothing_is_read_on_white(send, ai, tesseract):
    grey = papers.picture(papers.NOTE, dots_per_inch=150)
    see_through = Image.new("RGBA", grey.size, (0, 0, 0, 0))
    see_through.putalpha(grey.point(lambda shade: 255 - shade))
    assert facts_in(send(papers.saved(see_through, "PNG"))) == NOTED


def test_scanned_pages_are_read_between_written_ones(send, ai, tesseract):
    scanned = papers.picture("Vous êtes convoqués en entretien à la maison départementale\nle 3 juin 2026 à 9 h.")
    with_text = papers.pdf("Dossier n° 2025-104872", "Date limite : 30 juin 2026")
    assert facts_in(send(_joined(with_text, papers.scan(scanned)))) == (
        ["2026-06-30", "2026-06-03"],
        [],
        ["2025-104872"],
    )


def test_a_word_file_that_is_only_a_photograph_is_read(send, ai, tesseract):
    document = docx.Document()
    document.add_picture(io.BytesIO(papers.saved(papers.picture(papers.NOTE, dots_per_inch=150), "PNG")))
    made = io.BytesIO()
    document.save(made)
    assert facts_in(send(made.getvalue())) == NOTED


def test_a_pdf_that_anybody_may_open_is_read(send, ai):
    only_printing = pdfencrypt.StandardEncryption("", ownerPassword="secret", canModify=0, strength=128)
    assert facts_in(send(papers.pdf(encrypt=only_printing))) == ALL_FACTS


def test_word_is_read_with_what_was_added_and_without_what_was_struck_out(send, ai):
    document = docx.Document()
    run = "<w:r><w:t>Rendez-vous le {}</w:t></w:r>"
    added = f"<w:ins w:id='1' w:author='a'>{run.format('4 mai 2026')}</w:ins>"
    struck = f"<w:del w:id='2' w:author='a'>{run.format('3 mai 2026').replace('w:t>', 'w:delText>')}</w:del>"
    document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{struck}{added}</w:p>"))
    made = io.BytesIO()
    document.save(made)
    assert facts_in(send(made.getvalue()))[0] == ["2026-05-04"]


@pytest.mark.parametrize("kind", ["GIF", "BMP"])
def test_old_kinds_of_pictures_are_read(send, ai, tesseract, kind):
    assert facts_in(send(papers.saved(papers.picture(papers.NOTE, dots_per_inch=150), kind))) == NOTED


def test_all_pages_of_a_fax_are_read(send, ai, tesseract):
    pages = [
        papers.picture(f"Convocation\nRendez-vous le {day} juin 2026 à 9 h.\nMerci.").convert("1") for day in (3, 4)
    ]
    fax = papers.saved(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="group4")
    assert facts_in(send(fax))[0] == ["2026-06-03", "2026-06-04"]


def test_without_tesseract_a_photograph_is_kindly_declined(send, ai, monkeypatch):
    monkeypatch.setenv("PATH", "")
    reply = send(papers.saved(papers.picture(dots_per_inch=150), "PNG"))
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["code"] == "no_ocr"
    assert "collez son texte" in reply.json()["detail"]


def test_without_tesseract_the_written_pages_are_read(send, ai, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert facts_in(send(_joined(papers.pdf(), papers.scan(papers.picture(dots_per_inch=100))))) == ALL_FACTS


def _joined(*documents: bytes) -> bytes:
    made = io.BytesIO()
    with pypdfium2.PdfDocument.new() as whole:
        for data in documents:
            with pypdfium2.PdfDocument(data) as part:
                whole.import_pages(part)
        whole.save(made)
    return made.getvalue()
