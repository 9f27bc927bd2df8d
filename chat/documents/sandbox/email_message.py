"""E-mails (.eml): sender, date, subject, text, and attached files."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart

from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.outcome import Outcome
from chat.documents.sandbox.readers import with_files
from chat.documents.sandbox.web_page import read_text
from chat.documents.unreadable import Unreadable

HEADERS = {"From": "De", "Date": "Date", "Subject": "Objet"}


def read(data: bytes, limits: Limits) -> Outcome:
    """The text of the message and of its attachments. Raises Unreadable."""
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    heads = "\n".join(f"{label} : {message[name]}" for name, label in HEADERS.items() if message[name])
    body = message.get_body(preferencelist=("plain", "html"))
    text, pictures = _text_of(body) if body is not None else ("", [])
    files = [content for part in message.iter_attachments() if (content := _bytes_of(part))]
    return with_files(Outcome(f"{heads}\n\n{text}"), [*pictures, *files], limits)


def _text_of(body: MIMEPart) -> tuple[str, list[bytes]]:
    try:
        text = str(body.get_content())
    except (LookupError, UnicodeError):  # an unknown encoding
        text = _bytes_of(body).decode("utf-8", "replace")
    if body.get_content_subtype() != "html":
        return text, []
    try:
        return read_text(text)
    except Unreadable:
        return "", []


def _bytes_of(part: MIMEPart) -> bytes:
    if part.get_content_type() == "message/rfc822":
        return part.get_content().as_bytes()  # type: ignore[no-any-return]
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
