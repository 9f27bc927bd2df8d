"""Why a document cannot be read: error codes with messages that tell the user what to do."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

RETRY_AFTER_SECONDS = 10

# HTTP status and message by code.
REASONS: dict[str, tuple[int, str | Promise]] = {
    "too_large": (413, _("This document is larger than {megabytes} MB. Try to send a part of it, or a smaller photo.")),
    "too_many_pages": (
        422,
        _("This document has too many pages: I read up to {pages}. Send the part that matters."),
    ),
    "empty": (422, _("There is no text in this document. Check that it is the right one, or paste its text.")),
    "no_words": (
        422,
        _("I find no words in this picture. Take it again flat, in good light, with the whole page in it."),
    ),
    "encrypted": (422, _("This document is locked by a password. Open it, then send me a photo or paste its text.")),
    "damaged": (422, _("This file is damaged or incomplete. Download it again, or send me a photo of the document.")),
    "too_heavy": (422, _("This document is too heavy for me to open. Send me a photo of it, or paste its text.")),
    "too_slow": (422, _("This document takes me too long to read. Send me fewer pages at a time, or paste its text.")),
    "no_ocr": (422, _("I can't read photos and scanned pages here. Open the document and paste its text, please.")),
    "old_photo_format": (422, _("I can't open this kind of photo yet. Send it as JPEG, or a screenshot of it.")),
    "other_word": (422, _("I can't open this kind of file yet. Save it as PDF or Word (.docx), or paste its text.")),
    "needs_adobe": (
        422,
        _("This form shows its content only in Adobe Reader. Open it there, print it as PDF, and send me that."),
    ),
    "unreadable": (
        422,
        _("I can't read this file, though it may be in order. Send me a photo of the document, or paste its text."),
    ),
    "unsupported_type": (422, _("I can't read this kind of file. I read PDF, Word (.docx), photos and text.")),
    "not_text": (422, _("I can't tell what this file is. I read PDF, Word (.docx), photos and text.")),
    "busy": (503, _("Many documents are being read at this moment. Yours is not lost: send it again in a moment.")),
    "interrupted": (503, _("The reading was interrupted, and it is not your fault. Send your document again.")),
}


class DocumentError(Exception):
    """A document that cannot be read. `code` is a key of REASONS; `limits` fill the placeholders of its message."""

    def __init__(self, code: str, **limits: int) -> None:
        super().__init__(code)
        self.code = code
        self.limits = limits

    @property
    def status(self) -> int:
        return REASONS[self.code][0]

    @property
    def detail(self) -> str:
        """The message in the active language."""
        return str(REASONS[self.code][1]).format(**self.limits)

    @property
    def retry_after(self) -> int | None:
        """Seconds after which to send the same document again; None if that would fail again."""
        return RETRY_AFTER_SECONDS if self.status == 503 else None
