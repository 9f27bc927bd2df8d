"""The reader of each kind of document."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from chat.documents.kinds import Kind, detect_kind
from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.outcome import Outcome
from chat.documents.unreadable import Unread, Unreadable

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
MAX_FILES = 20  # in one document: attachments of an e-mail, pictures of a letter
MAX_DEPTH = 3  # of attachments in attachments


def read(kind: Kind, data: bytes, limits: Limits) -> Outcome:
    """The text of a document of this kind. Raises Unreadable."""
    outcome: Outcome = import_module(f"chat.documents.sandbox.{MODULES[kind]}").read(data, limits)
    return outcome


def with_files(outcome: Outcome, files: Sequence[bytes], limits: Limits) -> Outcome:
    """The outcome with the texts of the embedded files added. Raises Unreadable if no text was read at all."""
    texts, pages, unread = [outcome.text], outcome.pages, list(outcome.unread)
    for data in files[:MAX_FILES]:
        try:
            inner = _read_file(data, limits, limits.pages - pages)
        except Unreadable as error:
            unread.append(Unread("attachment", None, error.code))
        else:
            texts.append(inner.text)
            unread += [Unread(each.part, each.page and each.page + pages, each.reason) for each in inner.unread]
            pages += inner.pages
    unread += [Unread("attachment", None, "too_many_pages")] * len(files[MAX_FILES:])
    if unread and not any(text.strip() for text in texts):
        raise Unreadable(unread[0].reason)
    return Outcome("\n\n".join(texts), pages, tuple(unread))


def _read_file(data: bytes, limits: Limits, pages_left: int) -> Outcome:
    if limits.depth == MAX_DEPTH or pages_left < 1:
        raise Unreadable("too_many_pages")
    if limits.seconds_left() <= 0:
        raise Unreadable("too_slow")
    return read(detect_kind(data), data, limits.inside(pages_left))
