"""Unicode normalisation in linear time, at every entry point for untrusted text."""

from __future__ import annotations

import unicodedata
from functools import partial
from typing import Literal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from chat.core import unicode_text
from chat.core.language import language_of
from chat.core.question import normalise
from chat.knowledge import lexicon
from chat.pipeline.distress import detect
from tests.support.growth import assert_linear

Form = Literal["NFC", "NFKC", "NFD", "NFKD"]
FORMS: list[Form] = ["NFC", "NFKC", "NFD", "NFKD"]
# The last two are no marks themselves, but decompose to some.
UNORDERED = ["\u0301\u0323", "\u0345\u0301\u0f71", "\U0001e94a\u0323", "\u0f73", "\uff9e\u0301"]
DOCUMENT_BYTES = 400_000


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("marks", UNORDERED)
def test_runs_of_unordered_marks_are_normalised_in_linear_time(marks, form):
    assert_linear(partial(unicode_text.normalize, form), marks, DOCUMENT_BYTES // 2)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "text",
    [
        "De\u0301cision",
        "l\u2019\u0153uvre 1\u1d49\u02b3",
        "Việt שָׁלוֹם",
        "👩🏽\u200d🦽" * 9,
        "e" + "\u0301\u0323" * 4,
        "ﷺ ｶﾞ",
    ],
)
def test_what_people_write_is_normalised_as_unicode_says(text, form):
    assert unicode_text.normalize(form, text) == unicodedata.normalize(form, text)  # noqa: TID251 - the standard


def test_a_run_of_marks_is_cut():
    assert unicode_text.normalize("NFD", "e" + "\u0301" * 9000 + "t") == "e" + "\u0301" * unicode_text.MAX_MARKS + "t"


@pytest.mark.parametrize("read", [normalise, lexicon.fold, detect, language_of])
@pytest.mark.parametrize("marks", UNORDERED)
def test_every_reader_of_a_question_takes_linear_time(read, marks):
    assert_linear(read, marks, DOCUMENT_BYTES // 2)


@pytest.mark.django_db(transaction=True)
def test_every_door_takes_linear_time_for_marks(visitor, ai):
    path = "/api/chat/analyze-document"

    def send_message(text: str) -> None:
        assert visitor.ask(text).status_code == 200

    def complete(text: str) -> None:
        body = {"model": "x", "messages": [{"role": "user", "content": text}]}
        assert visitor.post_json("/v1/chat/completions", body).status_code == 200

    def paste(text: str) -> None:
        assert visitor.post_json(path, {"document": f"Décision {text}", "documentType": "mdph"}).status_code == 200

    def upload(text: str) -> None:
        file = SimpleUploadedFile("lettre.txt", f"Décision {text}".encode())
        assert visitor.post(path, {"file": file, "documentType": "mdph"}).status_code == 200

    for send, length in ((send_message, 4000), (complete, 4000), (paste, 80_000), (upload, DOCUMENT_BYTES // 2)):
        assert_linear(send, UNORDERED[0], length)
