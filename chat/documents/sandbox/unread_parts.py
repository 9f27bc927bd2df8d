"""The parts of one document that are not read, and what that makes of the whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from chat.documents.sandbox.outcome import Outcome
from chat.documents.unreadable import Part, Unread, Unreadable

T = TypeVar("T")

MAX_FILES = 20  # in one document: attachments of an e-mail, pictures of a letter
# With fewer words than that, the image is not the photo of a letter.
MIN_WORDS = 3
WORD = re.compile(r"[^\W\d_]{3,}")


class UnreadParts:
    """Remembers the unread parts, in the order of the document."""

    def __init__(self, parts: Iterable[Unread] = ()) -> None:
        self.parts = list(parts)

    def skip(self, part: Part, page: int | None, reason: str) -> None:
        """Remember a part as unread."""
        self.parts.append(Unread(part, page, reason))

    def first_files(self, files: Sequence[T], part: Part) -> Iterator[T]:
        """The first MAX_FILES; then the others are skipped."""
        yield from files[:MAX_FILES]
        for _ in files[MAX_FILES:]:
            self.skip(part, None, "too_many_pages")

    def outcome(self, text: str, pages: int = 1, *, has_more: bool = False) -> Outcome:
        """The outcome for the whole document. Raises Unreadable if nothing was read and there is no more to read."""
        if self.parts and not has_more and not has_words(text):
            reason = self.parts[0].reason
            if not text.strip() or reason == "no_words":
                raise Unreadable(reason)
        return Outcome(text, pages, tuple(self.parts))


def has_words(text: str) -> bool:
    """Whether it may be the text of a letter."""
    return len(WORD.findall(text)) >= MIN_WORDS
