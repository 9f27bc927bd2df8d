"""Keeps files of forms in memory, so that no upload is written to disk."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler


class MemoryOnly(FileUploadHandler):
    """Keeps the files of a form up to DOCUMENT_MAX_MB together. Bytes beyond that are only counted: the view
    refuses the file by its size.
    """

    received = 0  # bytes of all files so far

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.file = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.received <= settings.DOCUMENT_MAX_MB * 1024 * 1024:
            self.file.write(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        self.file.seek(0)
        is_whole = self.received <= settings.DOCUMENT_MAX_MB * 1024 * 1024
        size = file_size if is_whole else self.received
        return InMemoryUploadedFile(
            self.file, self.field_name, self.file_name or "", self.content_type, size, self.charset
        )
