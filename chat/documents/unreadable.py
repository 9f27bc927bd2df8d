"""A document, or a part of one, that cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Part = Literal["page", "picture", "attachment", "rest"]


class Unreadable(Exception):
    """The document cannot be read. `code` is a key of `chat.documents.errors.REASONS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Unread:
    """A part that was not read: a whole page, a picture or an attachment, or the rest of a text that is too long.

    `page` counts from 1; None if the part has none. `reason` is the `code` of an Unreadable.
    """

    part: Part
    page: int | None
    reason: str
