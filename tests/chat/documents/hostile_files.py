"""Malicious and damaged files. Each is small and generated on demand."""

from __future__ import annotations

import io
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable

from PIL import Image
from reportlab.lib import pdfencrypt

from tests.support import document_files

MEGABYTE = 1024 * 1024
HUGE = 50_000  # pixels of a side: 2.5 GB in greyscale
DOCUMENT = "word/document.xml"


def raw_pdf(*objects: bytes, root: int = 1) -> bytes:
    """A PDF of these objects, numbered from 1, without a cross-reference table: readers then search for the objects."""
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, each) for number, each in enumerate(objects, 1))
    return b"%%PDF-1.7\n%strailer\n<</Root %d 0 R>>\n%%%%EOF" % (body, root)


def stream(data: bytes, entries: bytes = b"", filters: int = 1) -> bytes:
    """A stream object, deflated `filters` times."""
    for _ in range(filters):
        data = zlib.compress(data, 9)
    return b"<</Length %d/Filter[%s]%s>>stream\n%s\nendstream" % (len(data), b"/FlateDecode" * filters, entries, data)


def bomb(piece: bytes, times: int) -> bytes:
    """A stream object that unpacks to `piece` × `times`, generated without holding the unpacked data."""
    packer = zlib.compressobj(9)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)  # a full flush: the block can be repeated
    packed = head + block * times + packer.flush()
    return b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(packed), packed)


def page_pdf(content: bytes, resources: bytes = b"", *more: bytes, box: bytes = b"0 0 595 842") -> bytes:
    """A PDF of one page; object 4 is its content, `more` begins with object 5."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Resources<<%s>>/Contents 4 0 R>>" % (box, resources)
    pages = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    return raw_pdf(b"<</Type/Catalog/Pages 2 0 R>>", pages, page, content, *more)


def picture_pdf(width: int, height: int, data: bytes, filters: int = 1, box: bytes = b"0 0 595 842") -> bytes:
    entries = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/DeviceGray" % (
        width,
        height,
    )
    return page_pdf(
        stream(b"q 595 0 0 842 0 0 cm /P Do Q"), b"/XObject<</P 5 0 R>>", stream(data, entries, filters), box=box
    )


def action_pdf(action: bytes) -> bytes:
    """A letter with an action that runs when it is opened."""
    letter = document_files.pdf()
    return letter.replace(b"/Type /Catalog", b"/OpenAction << %s >> /Type /Catalog" % action)


def archive(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name, data in entries.items():
            packed.writestr(name, data)
    return buffer.getvalue()


def repacked_word(change: Callable[[dict[str, bytes]], None]) -> bytes:
    """A Word file whose parts `change` has modified."""
    with zipfile.ZipFile(io.BytesIO(document_files.word())) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    change(parts)
    return archive(parts)


def word_with(head: bytes = b"", inside: bytes = b"") -> bytes:
    """A Word file with `head` after the XML declaration and `inside` in the first paragraph."""

    def change(parts: dict[str, bytes]) -> None:
        declaration, rest = parts[DOCUMENT].split(b"?>", 1)
        text = rest.replace(b"<w:body>", b"<w:body><w:p><w:r><w:t>" + inside + b"</w:t></w:r></w:p>", 1)
        parts[DOCUMENT] = declaration + b"?>" + head + text

    return repacked_word(change)


def lying_word() -> bytes:
    """Unpacks to 300 MB but declares 1,000 bytes."""
    data = bytearray(repacked_word(lambda parts: parts.update({DOCUMENT: b" " * 300 * MEGABYTE})))
    size = struct.pack("<I", 300 * MEGABYTE)
    return bytes(data.replace(size, struct.pack("<I", 1000)))


def locked_word() -> bytes:
    data = bytearray(document_files.word())
    for signature, flags_offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + flags_offset] |= 1
            at = data.find(signature, at + 4)
    return bytes(data)


def png(width: int, height: int, data: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def frames(count: int, kind: str) -> bytes:
    pages = [Image.new("1", (8, 8), number % 2) for number in range(count)]
    return document_files.saved(pages[0], kind, save_all=True, append_images=pages[1:])


def looping_tiff() -> bytes:
    """A TIFF whose only directory points to itself as the next one."""
    data = bytearray(document_files.saved(Image.new("1", (8, 8)), "TIFF"))
    at = struct.unpack_from("<I", data, 4)[0]
    entries = struct.unpack_from("<H", data, at)[0]
    struct.pack_into("<I", data, at + 2 + 12 * entries, at)
    return bytes(data)


def huge_jpeg() -> bytes:
    data = document_files.saved(Image.new("L", (16, 16)), "JPEG")
    size = data.index(b"\xff\xc0") + 5
    return data[:size] + struct.pack(">HH", 65500, 65500) + data[size + 4 :]


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        packed.addfile(tarfile.TarInfo("lettre.txt"))
    return buffer.getvalue()


OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 12))
READ = "ok"  # harmless to the reader: the text is returned
UNPACKED = "too_heavy too_slow damaged unreadable"  # whichever limit is reached first

# By name: the file, and its allowed outcomes: READ or error codes.
FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "an empty file": (lambda: b"", "empty"),
    "nothing but spaces": (lambda: b" \r\n" * 1000, "empty"),
    "null characters": (lambda: bytes(10_000), "empty not_text"),
    "random bytes": (lambda: random.Random(7).randbytes(100_000), "not_text"),
    "a program for Linux": (lambda: b"\x7fELF\x02\x01\x01" + bytes(200), "unsupported_type"),
    "a program for Windows": (lambda: b"MZ\x90\x00\x03" + bytes(200), "unsupported_type"),
    "a database": (lambda: b"SQLite format 3\x00" + bytes(200), "unsupported_type"),
    "a film": (lambda: b"\x00\x00\x00\x20ftypmp42" + bytes(200), "unsupported_type"),
    "a packed folder": (tar, "unsupported_type"),
    "a ZIP of ZIPs": (lambda: archive({f"{n}.zip": archive({"a": bytes(MEGABYTE)}) for n in range(9)}), "unsupported_type"),
    "a photograph as HEIC": (lambda: b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(90), "damaged"),
    "an old Word file": (lambda: OLD_OFFICE, "other_word"),
    "a locked Word file": (lambda: OLD_OFFICE + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
    "rich text": (lambda: b"{\\rtf1\\object\\objdata 4d5a}", "empty"),
    "OpenDocument": (lambda: archive_first("mimetype", b"application/vnd.oasis.opendocument.text"), "empty"),
    "a PDF's first line": (lambda: b"%PDF-1.7", "damaged"),
    "half a PDF": (lambda: document_files.pdf(*[document_files.LETTER] * 9)[:1500], "damaged empty"),
    "a PDF of noise": (lambda: b"%PDF-1.7\n" + random.Random(8).randbytes(200_000), "damaged"),
    "a PDF with a password": (lambda: document_files.pdf(encrypt=pdfencrypt.StandardEncryption("secret", strength=128)), "encrypted"),
    "a PDF of 51 pages": (lambda: document_files.pdf(*["Page"] * 51), "too_many_pages"),
    "a PDF of 3,000 pages": (lambda: document_files.pdf(*["Page"] * 3000), "too_many_pages"),
    "a PDF of 100,000 objects": (lambda: page_pdf(stream(b"BT ET"), b"", *[b"<<>>"] * 100_000), "empty"),
    "a PDF whose text unpacks to a gigabyte": (lambda: page_pdf(bomb(b"0 0 m " * (MEGABYTE // 6), 1000)), UNPACKED + " empty"),
    "a PDF packed three times over": (lambda: page_pdf(stream(b" " * 200 * MEGABYTE, filters=3)), UNPACKED + " empty"),
    "a PDF with a picture of 2.5 gigabytes": (lambda: picture_pdf(HUGE, HUGE, bytes(100 * MEGABYTE), 2), UNPACKED + " empty no_words no_ocr"),
    "a PDF as large as a field": (lambda: picture_pdf(9, 9, bytes(81), box=b"0 0 9000000 9000000"), UNPACKED + " empty no_words no_ocr"),
    "a PDF whose pages are each other's parents": (
        lambda: raw_pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 9>>"),
        "damaged empty",
    ),
    "a PDF that draws itself": (
        lambda: page_pdf(stream(b"/X Do"), b"/XObject<</X 5 0 R>>", stream(b"/X Do /X Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>")),
        UNPACKED + " empty",
    ),
    "a PDF whose table refers to itself": (
        lambda: b"%PDF-1.7\nxref\n0 1\n0000000000 65535 f \ntrailer\n<</Size 1/Root 1 0 R/Prev 9>>\nstartxref\n9\n%%EOF",
        "damaged",
    ),
    "a PDF of arrays in arrays": (lambda: raw_pdf(b"[" * 200_000 + b"]" * 200_000), "damaged"),
    "a PDF with JavaScript": (lambda: action_pdf(b"/S /JavaScript /JS (while\\(1\\){})"), READ),
    "a PDF that calls home": (lambda: action_pdf(b"/S /URI /URI (http://127.0.0.1:9/)"), READ),
    "a PDF that starts a program": (lambda: action_pdf(b"/S /Launch /F (/bin/sh)"), READ),
    "a PDF that is a ZIP too": (lambda: document_files.pdf() + archive({"a.exe": b"MZ"}), READ),
    "half a Word file": (lambda: document_files.word()[:-2000], "damaged unsupported_type"),
    "a Word file of 300 megabytes": (
        lambda: repacked_word(lambda parts: parts.update({DOCUMENT: b" " * 300 * MEGABYTE})),
        "too_heavy",
    ),
    "a Word file that lies about its size": (lying_word, UNPACKED),
    "a Word file of 3,000 parts": (lambda: repacked_word(lambda parts: parts.update({f"{n}": b"" for n in range(3000)})), "too_heavy"),
    "a Word file with a password on its parts": (locked_word, "encrypted"),
    "a Word file without its description": (lambda: repacked_word(lambda parts: parts.__delitem__("[Content_Types].xml")), "damaged"),
    "a Word file that reads our files": (
        lambda: word_with(b'<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>', b"Lu : &x;"),
        READ,
    ),
    "a Word file of a billion laughs": (
        lambda: word_with(b'<!DOCTYPE w [<!ENTITY l0 "ha">' + LAUGHS + b"]>", b"&l11;"),
        "damaged " + READ,
    ),
    "a Word file of tags in tags": (lambda: word_with(b"", b"</w:t>" + b"<w:t>" * 100_000 + b"</w:t>" * 100_000 + b"<w:t>"), "damaged"),
    "a Word file with a template elsewhere": (
        lambda: repacked_word(
            lambda parts: parts.update(
                {
                    "word/_rels/document.xml.rels": parts["word/_rels/document.xml.rels"].replace(
                        b"</Relationships>",
                        b'<Relationship Id="rId99" TargetMode="External" Target="http://127.0.0.1:9/t.dotm" Type="http://'
                        b'schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"/></Relationships>',
                    )
                }
            )
        ),
        READ,
    ),
    "a PNG of 2.5 gigabytes": (lambda: png(HUGE, HUGE, zlib.compress(bytes(50 * MEGABYTE), 9)), "too_heavy damaged"),
    "half a PNG": (lambda: document_files.saved(document_files.noise(500, 500), "PNG")[:20_000], "damaged"),
    "half a JPEG": (lambda: document_files.saved(document_files.picture(dots_per_inch=80), "JPEG")[:3000], "damaged"),
    "a JPEG that claims four gigabytes": (huge_jpeg, UNPACKED + " no_words no_ocr"),
    "a JPEG's first bytes": (lambda: b"\xff\xd8\xff\xe0", "damaged"),
    "a TIFF of 200 pages": (lambda: frames(200, "TIFF"), "too_many_pages"),
    "a TIFF that goes in circles": (looping_tiff, "too_many_pages no_words damaged no_ocr"),
    "half a WebP": (lambda: document_files.saved(document_files.picture(dots_per_inch=80), "WEBP")[:900], "damaged"),
    "a picture of nothing": (lambda: document_files.saved(Image.new("L", (900, 900), 255), "PNG"), "no_words no_ocr"),
    "a picture of noise": (lambda: document_files.saved(document_files.noise(400, 400), "PNG"), "no_words no_ocr"),
    "a page of scripts": (lambda: b"<html><script>while(1){}</script><p>Bonjour, avant le 15 avril 2026.</p>", READ),
    "a page of one endless word": (lambda: b"<html><p>" + b"a" * (10 * MEGABYTE - 100), "ok"),
    "a page of endless elements": (lambda: b"<html>" + b"<p>a<b>" * (10 * MEGABYTE // 7 - 10), "too_heavy too_slow"),
    "rich text of endless braces": (lambda: rb"{\rtf1 Avant le 15 avril 2026." + b"{" * (10 * MEGABYTE - 100), READ),
    "XML of a billion laughs": (lambda: b'<!DOCTYPE l [<!ENTITY l0 "ha">' + LAUGHS + b"]><p>&l11;</p>", READ),
    "ten megabytes of one line": (lambda: b"12/03/2026 " * (10 * MEGABYTE // 11 - 10), READ),
}  # fmt: skip


def archive_first(name: str, data: bytes) -> bytes:
    """A ZIP that begins with an uncompressed entry, as OpenDocument files do."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as packed:
        packed.writestr(name, data)
        packed.writestr("content.xml", b"<x/>")
    return buffer.getvalue()


# Texts that would cost much with a quadratic function anywhere on their way.
TEXTS = {
    "marks": "e" + "\u0345\u0301\u0f71" * 60_000,
    "digits": "1 85 07 59 350 123 74 " * 20_000,
    "dates": "du 12 mars 2026 au " * 20_000,
    "boxes": "|1" * 200_000,
    "labels": "n° de dossier " * 30_000,
    "amounts": "- 1 234,56 € " * 30_000,
    "short lines": "1/1\n" * 100_000,
}
