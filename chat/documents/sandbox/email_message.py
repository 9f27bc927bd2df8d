"""E-mails (.eml): sender, date, subject, text, and attached files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart

from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.outcome import Outcome
from chat.documents.sandbox.readers import with_files
from chat.documents.sandbox.web_page import read_text
from chat.documents.text import decode_base64, decode_declared, is_text
from chat.documents.unreadable import Unreadable

HEADERS = {"From": "De", "Date": "Date", "Subject": "Objet"}
MIN_RICHER = 2  # times the words of the plain text
NUMBER = re.compile(r"https?://\S+|(\d+)")  # but for those of links, which the HTML does not show
BODY_TYPES = {"text/plain", "text/html"}
HTML_MARK = "<!DOCTYPE html>"  # many a page in an e-mail begins without
SIGNATURE_TYPES = {"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"}


def read(data: bytes, limits: Limits) -> Outcome:
    """The text of the message and of its attachments. Raises Unreadable."""
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    heads = "\n".join(f"{label} : {text}" for name, label in HEADERS.items() if (text := _header(message, name)))
    parts = list(_parts(message))
    body = next((part for part in parts if _is_body(part)), None)
    text, pictures = _text_of(body) if body is not None else ("", [])
    files = [_file_of(part) for part in parts if part is not body and not _is_blank(part)]
    return with_files(Outcome(f"{heads}\n\n{text}"), [*pictures, *files], limits)


def _header(message: EmailMessage, name: str) -> str:
    """The value of a header, also if it was sent in eight bits; empty if there is none."""
    value = next((value for each, value in message.raw_items() if each.lower() == name.lower()), "")
    text = decode_declared(value.encode("utf-8", "surrogateescape"), None)
    return str(policy.default.header_fetch_parse(name, text))


def _parts(part: MIMEPart, versions: tuple[MIMEPart, ...] = ()) -> Iterator[MIMEPart]:
    """The texts and files in this part, at any depth but not those of attached e-mails; no signatures.

    Of a text in several versions there are `versions` in this part; they are empty where there are no others.
    """
    kind = part.get_content_type()
    if kind.startswith("multipart/") and part.is_multipart():
        if kind == "multipart/alternative" and not versions:
            versions = _best_versions(part)
        for each in part.iter_parts():
            yield from _parts(each, versions)
    elif kind not in SIGNATURE_TYPES and (not versions or part in versions or not _is_body(part)):
        yield part


def _best_versions(part: MIMEPart) -> tuple[MIMEPart, ...]:
    """The plain text; the HTML where that has all its numbers and says more: some programs leave out of the plain text
    what stands in a table, or all of it. Both where each may say what the other lacks.
    """
    plain, html = part.get_body(("plain",)), part.get_body(("html",))
    if plain is None or html is None:
        return tuple(version for version in (plain, html) if version is not None)
    plain_text, html_text = _text_of(plain)[0], _text_of(html)[0]
    plain_numbers, html_numbers = _numbers(plain_text), _numbers(html_text)
    plain_words, html_words = len(plain_text.split()), len(html_text.split())
    if html_numbers <= plain_numbers and html_words <= MIN_RICHER * plain_words:
        return (plain,)
    return (plain, html) if plain_numbers - html_numbers or html_words < plain_words else (html,)


def _numbers(text: str) -> set[str]:
    return set(NUMBER.findall(text)) - {""}


def _is_body(part: MIMEPart) -> bool:
    return part.get_content_type() in BODY_TYPES and not part.is_attachment() and not part.get_filename()


def _is_blank(part: MIMEPart) -> bool:
    """Whether the part is a text without words, such as mail programs put behind an attached file."""
    return _is_body(part) and not _bytes_of(part).strip()


def _text_of(body: MIMEPart) -> tuple[str, list[bytes]]:
    text = decode_declared(_bytes_of(body), body.get_content_charset())
    if body.get_content_subtype() != "html":
        return text, []
    try:
        return read_text(text)
    except Unreadable:
        return "", []


def _file_of(part: MIMEPart) -> bytes:
    """A part as a file: a text in UTF-8, because the file does not tell its charset."""
    data = _bytes_of(part)
    if part.get_content_type() not in BODY_TYPES or not is_text(data):  # a program may call any file a text
        return data
    text = decode_declared(data, part.get_content_charset())
    is_page = _is_body(part) and part.get_content_subtype() == "html"
    return (HTML_MARK + text if is_page else text).encode()


def _bytes_of(part: MIMEPart) -> bytes:
    if part.is_multipart():  # an e-mail, or the report of a mail server in several blocks
        data = b"\n".join(each.as_bytes() for each in part.iter_parts())
        return decode_base64(data.decode("latin-1")) or data  # some programs encode it, against the rules
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
