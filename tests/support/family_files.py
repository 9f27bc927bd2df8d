"""Files as families send them. Each part of a file has a day of May 2026 of its own, so that a missing part shows."""

from __future__ import annotations

import base64
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PIL import Image, ImageOps
from reportlab.lib.pagesizes import A4, landscape

from tests.support import document_files
from tests.support.family_file_factories import (
    columns,
    drawn,
    form,
    forwarded,
    letter,
    lines,
    mail,
    merged,
    open_document,
    owner_password,
    pages,
    pdf_of,
    photo,
    photo_bytes,
    picture,
    portfolio,
    repacked,
    rich_text,
    searchable_scan,
    sentence,
    sixteen_bits,
    transparent,
    turned,
    web_page,
    with_attachment,
    with_content_control,
    with_header,
    with_header_picture,
    with_macros,
    with_other_headers,
    with_picture,
    with_pictures,
    with_table_in_table,
    with_text_box,
    with_tracked_insertion,
    without_second_picture,
    word,
)


@dataclass(frozen=True, slots=True)
class FamilyFile:
    """`days` are those in the file. `told`: the rest can't be read, which the reply has to say."""

    make: Callable[[], bytes]
    days: tuple[int, ...]
    told: bool = False


FILES: dict[str, FamilyFile] = {
    "text, UTF-8": FamilyFile(lambda: letter(3).encode(), (3,)),
    "text, UTF-8 with a mark": FamilyFile(lambda: letter(3).encode("utf-8-sig"), (3,)),
    "text, UTF-16": FamilyFile(lambda: letter(3).encode("utf-16"), (3,)),
    "text, UTF-16, the other byte order": FamilyFile(lambda: b"\xfe\xff" + letter(3).encode("utf-16-be"), (3,)),
    "text, Latin-1": FamilyFile(lambda: letter(3).encode("latin-1"), (3,)),
    "text, Windows with a euro sign": FamilyFile(lambda: f"{letter(3)}\n12 €".encode("cp1252"), (3,)),
    "text, line ends of Windows": FamilyFile(lambda: letter(3).replace("\n", "\r\n").encode(), (3,)),
    "text, line ends of old Macs": FamilyFile(lambda: letter(3).replace("\n", "\r").encode(), (3,)),
    "text, decomposed accents": FamilyFile(lambda: unicodedata.normalize("NFD", letter(3)).encode(), (3,)),  # noqa: TID251
    "text of 150 pages": FamilyFile(("Bonjour madame. " * 9000 + letter(3)).encode, (3,)),
    "web page": FamilyFile(lambda: web_page(3), (3,)),
    "web page, Latin-1": FamilyFile(lambda: web_page(3, charset="latin-1"), (3,)),
    "web page with a table": FamilyFile(
        lambda: web_page(3, body=f"<table><tr><td>{sentence(4)}</td></tr></table>"), (3, 4)
    ),
    "web page with a picture": FamilyFile(
        lambda: web_page(3, body=f"<img src='data:image/png;base64,{base64.b64encode(photo_bytes(4)).decode()}'>"),
        (3, 4),
    ),
    "e-mail": FamilyFile(lambda: mail().as_bytes(), (3,)),
    "e-mail, quoted-printable Latin-1": FamilyFile(
        lambda: mail(charset="latin-1", transfer="quoted-printable").as_bytes(), (3,)
    ),
    "e-mail of HTML alone": FamilyFile(lambda: mail(text=web_page(3).decode(), html=True).as_bytes(), (3,)),
    "e-mail with a PDF": FamilyFile(lambda: with_attachment(document_files.pdf(letter(4)), "a.pdf"), (3, 4)),
    "e-mail with a Word file": FamilyFile(lambda: with_attachment(document_files.word(letter(4)), "a.docx"), (3, 4)),
    "e-mail with a photo": FamilyFile(lambda: with_attachment(photo_bytes(4), "a.png", "image/png"), (3, 4)),
    "e-mail with a text": FamilyFile(lambda: with_attachment(letter(4).encode(), "a.txt", "text/plain"), (3, 4)),
    "e-mail with an e-mail": FamilyFile(forwarded, (3, 4)),
    "e-mail with a table of numbers (.xlsx)": FamilyFile(
        lambda: with_attachment(repacked(word(), lambda name, data: data if "word" not in name else None), "a.xlsx"),
        (3,),
        told=True,
    ),
    "PDF": FamilyFile(lambda: document_files.pdf(letter(3)), (3,)),
    "PDF of three pages": FamilyFile(lambda: document_files.pdf(*map(letter, (3, 4, 5))), (3, 4, 5)),
    "PDF of 30 pages": FamilyFile(lambda: document_files.pdf(*map(letter, range(1, 31))), tuple(range(1, 31))),
    "PDF, landscape": FamilyFile(pdf_of(lambda page: lines(page, letter(3), top=500), pagesize=landscape(A4)), (3,)),
    "PDF, page turned": FamilyFile(lambda: merged(document_files.pdf(letter(3)), rotate=90), (3,)),
    "PDF of two columns": FamilyFile(pdf_of(columns), (3, 4)),
    "PDF, filled form": FamilyFile(pdf_of(form), (3, 4)),
    "PDF, with a line before its header": FamilyFile(lambda: b"scanner\n" + document_files.pdf(letter(3)), (3,)),
    "PDF with an owner's password": FamilyFile(
        lambda: drawn(lambda page: lines(page, letter(3)), encrypt=owner_password()), (3,)
    ),
    "PDF, scan": FamilyFile(lambda: document_files.scan(document_files.picture(letter(3))), (3,)),
    "PDF, tilted scan with noise": FamilyFile(
        lambda: document_files.scan(document_files.picture(letter(3), tilt=1.5, noise=15)), (3,)
    ),
    "PDF, scan of three pages": FamilyFile(
        lambda: document_files.scan(*(document_files.picture(letter(day)) for day in (3, 4, 5))), (3, 4, 5)
    ),
    "PDF, scan turned by its page": FamilyFile(
        lambda: merged(document_files.scan(document_files.picture(letter(3)).rotate(90, expand=True)), rotate=90), (3,)
    ),
    "PDF, scan on its side": FamilyFile(
        lambda: document_files.scan(document_files.picture(letter(3)).rotate(90, expand=True)), (3,)
    ),
    "PDF, scan with a layer of text": FamilyFile(pdf_of(searchable_scan), (3,)),
    "PDF, text and a scan": FamilyFile(
        lambda: merged(document_files.pdf(letter(3)), document_files.scan(document_files.picture(letter(4)))), (3, 4)
    ),
    "PDF, text and a picture on a page": FamilyFile(pdf_of(with_picture), (3, 4)),
    "PDF, text and a picture of nothing": FamilyFile(
        pdf_of(partial(with_picture, picture=document_files.noise(300, 300))), (3,), told=True
    ),
    "PDF with a PDF attached": FamilyFile(lambda: portfolio("a.pdf", document_files.pdf(letter(4))), (3, 4)),
    "PDF with a Word file attached": FamilyFile(lambda: portfolio("a.docx", document_files.word(letter(4))), (3, 4)),
    "PDF with a program attached": FamilyFile(lambda: portfolio("a.exe", b"MZ\x90\x00" + bytes(99)), (3,), told=True),
    "Word": FamilyFile(word, (3,)),
    "Word, header and footer": FamilyFile(lambda: word(with_header), (3, 4, 5)),
    "Word, headers of the first and even pages": FamilyFile(lambda: word(with_other_headers), (3, 4, 5)),
    "Word, a table in a table": FamilyFile(lambda: word(with_table_in_table), (3, 4, 5)),
    "Word, text box": FamilyFile(lambda: word(with_text_box), (3, 4)),
    "Word, content control": FamilyFile(lambda: word(with_content_control), (3, 4)),
    "Word, tracked insertion": FamilyFile(lambda: word(with_tracked_insertion), (3, 4)),
    "Word, two pictures": FamilyFile(lambda: word(with_pictures), (3, 4, 5)),
    "Word, picture in the header": FamilyFile(lambda: word(with_header_picture), (3, 4)),
    "Word, a picture missing": FamilyFile(
        lambda: repacked(word(with_pictures), without_second_picture), (3, 4), told=True
    ),
    "Word with macros": FamilyFile(lambda: repacked(word(), with_macros), (3,)),
    "Word, stored without compression": FamilyFile(
        lambda: repacked(word(), lambda name, data: data, zipfile.ZIP_STORED), (3,)
    ),
    "OpenDocument": FamilyFile(open_document, (3,)),
    "OpenDocument, table": FamilyFile(
        lambda: open_document(
            f"<table:table><table:table-row><table:table-cell><text:p>{sentence(4)}</text:p></table:table-cell>"
            "</table:table-row></table:table>"
        ),
        (3, 4),
    ),
    "OpenDocument, picture": FamilyFile(
        lambda: open_document(
            "<draw:frame><draw:image xlink:href='Pictures/a.png'/></draw:frame>", Pictures__a_png=photo_bytes(4)
        ).replace(b"Pictures/a_png", b"Pictures/a.png"),
        (3, 4),
    ),
    "rich text": FamilyFile(rich_text, (3,)),
    "rich text, header and note": FamilyFile(
        lambda: rich_text(r"{\header En-t\'eate du 4 mai 2026\par}{\footnote Note du 5 mai 2026}"), (3, 4, 5)
    ),
    "rich text, picture": FamilyFile(lambda: rich_text(rf"{{\pict\pngblip {photo_bytes(4).hex()}}}"), (3, 4)),
    "JPEG": FamilyFile(picture("JPEG", quality=85), (3,)),
    "JPEG of low quality": FamilyFile(picture("JPEG", quality=25), (3,)),
    "JPEG, CMYK": FamilyFile(picture("JPEG", "CMYK"), (3,)),
    "JPEG, grey": FamilyFile(picture("JPEG", "L"), (3,)),
    "JPEG, upside down": FamilyFile(lambda: turned(3, Image.Transpose.ROTATE_180), (3,)),
    "JPEG, taken sideways": FamilyFile(lambda: turned(6, Image.Transpose.ROTATE_90), (3,)),
    "JPEG, taken sideways to the left": FamilyFile(lambda: turned(8, Image.Transpose.ROTATE_270), (3,)),
    "PNG": FamilyFile(photo_bytes, (3,)),
    "PNG with a palette": FamilyFile(picture("PNG", "P"), (3,)),
    "PNG, 16 bits": FamilyFile(lambda: document_files.saved(sixteen_bits(), "PNG"), (3,)),
    "PNG, transparent": FamilyFile(transparent, (3,)),
    "PNG, white on black": FamilyFile(lambda: document_files.saved(ImageOps.invert(photo()), "PNG"), (3,)),
    "WebP": FamilyFile(picture("WEBP"), (3,)),
    "TIFF, LZW": FamilyFile(picture("TIFF", compression="tiff_lzw"), (3,)),
    "TIFF, a fax of three pages": FamilyFile(lambda: pages(3, 4, 5, compression="group4"), (3, 4, 5)),
    "GIF": FamilyFile(picture("GIF", "P"), (3,)),
    "BMP": FamilyFile(picture("BMP"), (3,)),
    "AVIF": FamilyFile(picture("AVIF"), (3,)),
}
