"""The reader of each kind of document."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from chat.documents.kinds import Kind, detect_kind
from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.outcome import Outcome
from chat.documents.sandbox.unread_parts import UnreadParts
from chat.documents.unreadable import Unreadable

# Module by kind; only the needed one is imported.
MODULES: dict[Kind, str] = {
    "text": "plain_text",
    "html": "web_page",
    "email": "email_message",
    "rtf": "rich_text",
    "pdf": "pdf",
    "word": "word",
    "odt": "open_document",
    "picture": "picture",
}
MAX_DEPTH = 3  # of attachments in attachments


def read(kind: Kind, data: bytes, limits: Limits) -> Outcome:
    """The text of a document of this kind. Raises Unreadable."""
    outcome: Outcome = import_module(f"chat.documents.sandbox.{MODULES[kind]}").read(data, limits)
    return outcome


def with_files(outcome: Outcome, files: Sequence[bytes], limits: Limits) -> Outcome:
    """The outcome with the texts of the embedded files added. Raises Unreadable if no text was read at all."""
    texts, pages, unread = [outcome.text], outcome.pages, UnreadParts(outcome.unread)
    for data in unread.first_files(files, "attachment"):
        try:
            inner = _read_file(data, limits, limits.pages - pages)
        except Unreadable as error:
            unread.skip("attachment", None, error.code)
        else:
            texts.append(inner.text)
            for each in inner.unread:
                unread.skip(each.part, each.page and each.page + pages, each.reason)
            pages += inner.pages
    if unread.parts and not any(text.strip() for text in texts):
        raise Unreadable(unread.parts[0].reason)
    return Outcome("\n\n".join(texts), pages, tuple(unread.parts))


def _read_file(data: bytes, limits: Limits, pages_left: int) -> Outcome:
    if limits.depth == MAX_DEPTH or pages_left < 1:
        raise Unreadable("too_many_pages")
    if limits.seconds_left() <= 0:
        raise Unreadable("too_slow")
    return read(detect_kind(data), data, limits.inside(pages_left))
