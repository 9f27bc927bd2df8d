"""Makes files as families send them: texts, e-mails, PDF, Word, pictures. All are invented."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial
from typing import Any

import docx
import pypdfium2
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from PIL import Image, ImageOps
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

from tests.support import document_files


def sentence(day: int) -> str:
    return f"Vous avez jusqu'au {day} mai 2026 pour nous répondre,\net vous pouvez venir avec vos papiers."


def letter(*days: int) -> str:
    return "Madame, Monsieur,\n\n" + "\n\n".join(map(sentence, days))


def photo(day: int = 3, dots_per_inch: int = 200) -> Image.Image:
    page = document_files.picture(letter(day), dots_per_inch=dots_per_inch)
    return page.crop((0, 0, page.width, page.height // 3)).convert("RGB")


def photo_bytes(day: int = 3) -> bytes:
    return document_files.saved(photo(day), "PNG")


# --- Text, web pages, e-mails -----------------------------------------------------------------------------------------


def web_page(day: int, *, charset: str = "utf-8", body: str = "") -> bytes:
    head = f'<!DOCTYPE html><html><head><meta charset="{charset}"></head>'
    return f"{head}<body><p>{sentence(day)}</p>{body}</body></html>".encode(charset)


def mail(
    *, text: str = letter(3), charset: str = "utf-8", transfer: str = "base64", html: bool = False
) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["Subject"], message["Message-ID"] = "mdph@example.org", "Votre dossier", "<1@example.org>"
    message.set_content(text, subtype="html" if html else "plain", charset=charset, cte=transfer)
    return message


def with_attachment(data: bytes, name: str, kind: str = "application/octet-stream") -> bytes:
    message = mail()
    message.add_attachment(data, maintype=kind.split("/", maxsplit=1)[0], subtype=kind.split("/")[1], filename=name)
    return message.as_bytes()


def forwarded() -> bytes:
    message = mail()
    message.add_attachment(mail(text=letter(4)))
    return message.as_bytes()


# --- PDF --------------------------------------------------------------------------------------------------------------


def drawn(draw: Callable[[canvas.Canvas], object], **options: Any) -> bytes:
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer, **options)
    draw(page)
    page.save()
    return buffer.getvalue()


def lines(page: canvas.Canvas, text: str, left: float = 60, top: float = 780, mode: int = 0) -> None:
    written = page.beginText(left, top)
    written.setTextRenderMode(mode)
    written.textLines(text)
    page.drawText(written)


def merged(*documents: bytes, rotate: int = 0) -> bytes:
    with pypdfium2.PdfDocument.new() as result:
        for data in documents:
            result.import_pages(pypdfium2.PdfDocument(data))
        for page in result:
            page.set_rotation(rotate)
        buffer = io.BytesIO()
        result.save(buffer)
    return buffer.getvalue()


def with_picture(page: canvas.Canvas, picture: Image.Image | None = None) -> None:
    lines(page, letter(3, 3, 3))
    page.drawInlineImage(picture or photo(4), 40, 300, 500, 235)


def columns(page: canvas.Canvas) -> None:
    page.setFont("Helvetica", 8)
    for column, day in enumerate((3, 4)):
        lines(page, sentence(day), left=40 + 270 * column)


def form(page: canvas.Canvas) -> None:
    lines(page, letter(3))
    page.acroForm.textfield(name="date", value="Rendez-vous le 4 mai 2026", x=60, y=500, width=300, height=30)


def portfolio(name: str, data: bytes) -> bytes:
    document = pypdfium2.PdfDocument(document_files.pdf(letter(3)))
    document.new_attachment(name).set_data(data)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def searchable_scan(page: canvas.Canvas) -> None:
    """A scan with a good layer of invisible text, as scanners make."""
    page.drawInlineImage(document_files.picture(letter(3), dots_per_inch=150), 0, 0, *A4)
    lines(page, letter(3), mode=3)


# --- Word, OpenDocument, rich text ------------------------------------------------------------------------------------


def word(change: Callable[[Any], object] = lambda document: None) -> bytes:
    document = docx.Document()
    document.add_paragraph(sentence(3))
    change(document)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def with_text_box(document: Any) -> None:
    box = f"<w:txbxContent><w:p><w:r><w:t>{sentence(4)}</w:t></w:r></w:p></w:txbxContent>"
    names = nsdecls("w") + ' xmlns:v="urn:schemas-microsoft-com:vml"'
    xml = f"<w:p {names}><w:r><w:pict><v:shape><v:textbox>{box}</v:textbox></v:shape></w:pict></w:r></w:p>"
    document.element.body.insert(0, parse_xml(xml))


def with_content_control(document: Any) -> None:
    xml = f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p><w:r><w:t>{sentence(4)}</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    document.element.body.insert(0, parse_xml(xml))


def with_tracked_insertion(document: Any) -> None:
    inserted = f"<w:ins w:id='1' w:author='a'><w:r><w:t>{sentence(4)}</w:t></w:r></w:ins>"
    document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{inserted}</w:p>"))


def with_header(document: Any) -> None:
    document.sections[0].header.paragraphs[0].text = sentence(4)
    document.sections[0].footer.paragraphs[0].text = sentence(5)


def with_other_headers(document: Any) -> None:
    section = document.sections[0]
    section.different_first_page_header_footer = True
    document.settings.odd_and_even_pages_header_footer = True
    section.first_page_header.paragraphs[0].text = sentence(4)
    section.even_page_footer.paragraphs[0].text = sentence(5)


def with_table_in_table(document: Any) -> None:
    cell = document.add_table(1, 1).cell(0, 0)
    cell.text = sentence(4)
    cell.add_table(1, 1).cell(0, 0).text = sentence(5)


def with_pictures(document: Any) -> None:
    for day in (4, 5):
        document.add_picture(io.BytesIO(photo_bytes(day)))


def with_header_picture(document: Any) -> None:
    document.sections[0].header.paragraphs[0].add_run().add_picture(io.BytesIO(photo_bytes(4)))


def repacked(data: bytes, change: Callable[[str, bytes], bytes | None], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP with each part changed; without those that become None."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as package, zipfile.ZipFile(buffer, "w", method) as result:
        for name in package.namelist():
            if (changed := change(name, package.read(name))) is not None:
                result.writestr(name, changed)
    return buffer.getvalue()


def without_second_picture(name: str, data: bytes) -> bytes | None:
    return None if name == "word/media/image2.png" else data


def with_macros(name: str, data: bytes) -> bytes:
    usual = b"vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return data.replace(usual, b"vnd.ms-word.document.macroEnabled.main+xml")


def open_document(body: str = "", **parts: bytes) -> bytes:
    names = " ".join(
        f"xmlns:{short}='urn:oasis:names:tc:opendocument:xmlns:{name}:1.0'"
        for short, name in (("o", "office"), ("text", "text"), ("draw", "drawing"), ("table", "table"))
    )
    names += " xmlns:xlink='http://www.w3.org/1999/xlink'"
    content = f"<o:document {names}><text:p>{sentence(3)}</text:p>{body}</o:document>".encode()
    files = {"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": content}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as package:
        for name, data in (files | {name.replace("__", "/"): data for name, data in parts.items()}).items():
            package.writestr(name, data)
    return buffer.getvalue()


def rich_text(more: str = "") -> bytes:
    return (r"{\rtf1\ansi\ansicpg1252 " + sentence(3).replace("é", r"\'e9") + more + "}").encode("cp1252")


# --- Pictures ---------------------------------------------------------------------------------------------------------


def turned(orientation: int, how: Image.Transpose) -> bytes:
    image = photo()
    exif = image.getexif()
    exif[0x0112] = orientation
    return document_files.saved(image.transpose(how), "JPEG", quality=90, exif=exif)


def transparent() -> bytes:
    image = photo().convert("RGBA")
    image.putalpha(ImageOps.invert(image.convert("L")))
    return document_files.saved(image, "PNG")


def pages(*days: int, **options: Any) -> bytes:
    images = [photo(day).convert("1") for day in days]
    return document_files.saved(images[0], "TIFF", save_all=True, append_images=images[1:], **options)


def picture(kind: str, mode: str = "RGB", **options: Any) -> Callable[[], bytes]:
    return lambda: document_files.saved(photo().convert(mode), kind, **options)


def pdf_of(draw: Callable[[canvas.Canvas], object], **options: Any) -> Callable[[], bytes]:
    return partial(drawn, draw, **options)


def sixteen_bits() -> Image.Image:
    grey = photo().convert("L")
    return Image.frombytes("I;16", grey.size, bytes(byte for value in grey.tobytes() for byte in (0, value)))


def owner_password() -> Any:
    from reportlab.lib.pdfencrypt import StandardEncryption

    return StandardEncryption("", ownerPassword="secret", canPrint=0)
