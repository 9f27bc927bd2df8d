"""Uploaded files stay in memory."""

from __future__ import annotations

import tempfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.support import document_files

PATH = "/api/chat/analyze-document"


@pytest.fixture
def no_temporary_files(monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("a file was written")

    for name in ("NamedTemporaryFile", "TemporaryFile", "SpooledTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)


@pytest.mark.django_db
def test_a_large_upload_is_read_from_memory(visitor, ai, no_temporary_files):
    large = document_files.LETTER.encode() + b"\n" * 3_000_000
    reply = visitor.post(PATH, {"file": SimpleUploadedFile("lettre.txt", large), "documentType": "mdph"})
    assert reply.json()["extractedData"]["dates"]


@pytest.mark.django_db
def test_an_upload_above_the_limit_is_refused_without_being_kept(visitor, settings, no_temporary_files):
    settings.DOCUMENT_MAX_MB = 1
    reply = visitor.post(PATH, {"file": SimpleUploadedFile("lettre.txt", b"x" * 3_000_000), "documentType": "mdph"})
    assert reply.status_code == 413
    assert reply.json()["errors"][0]["code"] == "too_large"


@pytest.mark.django_db
def test_all_files_of_a_form_together_have_one_limit(visitor, ai, settings):
    settings.DOCUMENT_MAX_MB = 1
    letter = document_files.LETTER.encode()

    def send(*others: int):
        files = {f"other{number}": SimpleUploadedFile("x.txt", b"x" * size) for number, size in enumerate(others)}
        return visitor.post(PATH, {**files, "file": SimpleUploadedFile("lettre.txt", letter), "documentType": "mdph"})

    assert send(600_000).json()["extractedData"]["dates"]
    assert send(600_000, 600_000).status_code == 413
