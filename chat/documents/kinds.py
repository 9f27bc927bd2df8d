"""Detects the type of a file from its content. The file name and the browser's media type are not trusted."""

from __future__ import annotations

import re
from typing import Literal

import filetype

from chat.documents.text import decode, is_text
from chat.documents.unreadable import Unreadable

Kind = Literal["text", "html", "email", "rtf", "pdf", "word", "odt", "picture"]

IMAGE_TYPES = {"jpg", "png", "apng", "webp", "tif", "gif", "bmp", "heic", "avif"}
UNSUPPORTED_PHOTO_TYPES = {"jpx", "jxr", "cr2", "psd"}
UNSUPPORTED_OFFICE_TYPES = {"doc", "xls", "xlsx", "ods", "ppt", "pptx", "odp", "epub", "ps"}
# PDF readers accept the header within the first 1,024 bytes: some scanners write a line before it.
PDF = re.compile(rb"(?:\A|.{0,1023}[\r\n])%PDF-\d", re.DOTALL)
JPEG = b"\xff\xd8\xff"  # checked before text: a truncated JPEG is valid Latin-1
ZIP, OLD_OFFICE, LOCKED_WORD = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", "EncryptedPackage".encode("utf-16-le")
OPEN_DOCUMENT = (b"application/vnd.oasis.opendocument.text", b"application/vnd.sun.xml.writer")
# A comment ends at its first end: otherwise the ways to divide comments would double with each one.
_BEFORE_HTML = r"\ufeff?\s{0,100}(?:(?:<\?xml[^>]{0,200}>|<!--(?>.{0,9999}?-->))\s{0,100}){0,9}"
HTML = re.compile(rf"{_BEFORE_HTML}<(?:!doctype\s+html|html|head|body|meta)\b", re.IGNORECASE | re.DOTALL)
# A page without its frame, as programs export it: it begins with an element, and has the end of one or an entity.
# Unlike `<Section 3 : recours>`, an element has no attributes, one with a value, or one of a well-known name.
_NAME = r"[a-z_][\w:.-]{0,60}"
_ATTRIBUTE = (
    rf"\s{{1,99}}(?:(?:{_NAME}\s{{1,9}}){{0,9}}{_NAME}\s{{0,9}}=|(?:hidden|scoped)\b|(?:data|v|_?ng\w{{0,9}})-)"
)
FRAGMENT = re.compile(
    rf"{_BEFORE_HTML}<(?:div|p|table|h[1-6]|ul|ol|center|section|article|main|header|title|style|link|base|span|font|br)"
    rf"(?:{_ATTRIBUTE}[^<>]{{0,2000}}|\s{{0,99}}/?)>",
    re.IGNORECASE | re.DOTALL,
)
MARKUP = re.compile(r"</[a-z]{1,10}[1-6]?\s{0,9}>|&(?:[a-z]{2,8}|#\d{2,5});", re.IGNORECASE)
# An e-mail begins with its headers, among them one that only programs write.
EMAIL = re.compile(
    rb"(?:[\w-]{1,60}:[^\n]{0,998}\n|[ \t][^\n]{0,998}\n){0,200}?"
    rb"(?:Received|Message-ID|MIME-Version|Return-Path|Content-Type|Content-Transfer-Encoding):",
    re.IGNORECASE,
)


def detect_kind(data: bytes) -> Kind:
    """The kind of a file. Raises Unreadable for an empty file and for unsupported types."""
    if not data.strip():
        raise Unreadable("empty")
    if PDF.match(data):
        return "pdf"
    if data.startswith(b"{\\rtf"):
        return "rtf"
    if is_text(data) and not data.startswith(JPEG):
        return "html" if _is_html(decode(data) or "") else "email" if EMAIL.match(data) else "text"
    return _detect_binary_kind(data)


def _is_html(text: str) -> bool:
    fragment = FRAGMENT.match(text)
    return HTML.match(text) is not None or (fragment is not None and MARKUP.search(text, fragment.end()) is not None)


def _detect_binary_kind(data: bytes) -> Kind:
    if data.startswith(ZIP) and (kind := _office_kind(data)):
        return kind
    if data.startswith(OLD_OFFICE):
        raise Unreadable("encrypted" if LOCKED_WORD in data else "other_word")
    if EMAIL.match(data):  # with characters of several encodings, or binary attachments
        return "email"
    extension = filetype.guess_extension(data)
    if extension in IMAGE_TYPES:
        return "picture"
    if extension in UNSUPPORTED_PHOTO_TYPES:
        raise Unreadable("old_photo_format")
    if extension in UNSUPPORTED_OFFICE_TYPES:
        raise Unreadable("other_word")
    raise Unreadable("unsupported_type" if extension else "not_text")


def _office_kind(data: bytes) -> Kind | None:
    """By the names of the parts, which a ZIP lists uncompressed."""
    if any(b"mimetype" + mark in data[:200] for mark in OPEN_DOCUMENT):
        return "odt"
    is_word = b"word/document" in data or (b"word/" in data and b"[Content_Types].xml" in data)
    return "word" if is_word else None
