from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

from chat.knowledge.files import BUNDLED, EntryFile, KnowledgeError, read_folder

GOOD = """---
title: "L'AEEH"
topic: prestations
questions:
  - "C'est quoi l'AEEH ?"
keywords: ["AEEH"]
source_name: "Service-Public.fr"
source_url: "https://www.service-public.fr/particuliers/vosdroits/F14809"
checked_on: 2025-04-01
en_bref: "De l’argent chaque mois."
---
Une aide mensuelle.

- Sans condition de revenus.
"""


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(KnowledgeError) as raised:
        read_folder(folder)
    return raised.value.problems


def test_an_entry_is_read_with_all_its_fields(tmp_path: Path) -> None:
    write(tmp_path, "fr/aeeh.md", GOOD)
    [file] = read_folder(tmp_path)
    assert file.path == tmp_path / "fr" / "aeeh.md"
    assert (file.entry.language, file.entry.slug, file.entry.topic) == ("fr", "aeeh", "prestations")
    assert file.entry.questions == ["C'est quoi l'AEEH ?"]
    assert file.entry.checked_on == dt.date(2025, 4, 1)
    brief = "**En bref\xa0:** De l’argent chaque mois."
    assert file.entry.text == f"{brief}\n\nUne aide mensuelle.\n\n- Sans condition de revenus."
    assert file.entry.pk is None


@pytest.mark.parametrize(
    ("good", "broken", "problem"),
    [
        ("keywords: [", "keywords: [[", "fr/aeeh.md:8: broken front matter: "),
        ("topic: prestations\n", "", "fr/aeeh.md:1: topic: missing"),
        ("topic: prestations", "topic: cuisine", "fr/aeeh.md:3: topic: Value 'cuisine' is not a valid choice."),
        ("checked_on: 2025-04-01", "checked_on: hier", "fr/aeeh.md:9: checked_on: expected date, got str"),
        ("  - \"C'est quoi l'AEEH ?\"", "  - 12", "fr/aeeh.md:4: questions: expected a list of texts"),
        ('keywords: ["AEEH"]', "keywords: AEEH", "fr/aeeh.md:6: keywords: expected list, got str"),
        ("topic: prestations", "topic: prestations\ntopics: mdph", "fr/aeeh.md:4: topics: unknown field"),
        ("https://www.", "www dot ", "fr/aeeh.md:8: source_url: Enter a valid URL."),
        (
            "Une aide mensuelle.\n\n- Sans condition de revenus.\n",
            "",
            "fr/aeeh.md:1: text: This field cannot be blank.",
        ),
    ],
)
def test_a_problem_is_reported_with_its_file_and_line(tmp_path: Path, good: str, broken: str, problem: str) -> None:
    assert good in GOOD
    write(tmp_path, "fr/aeeh.md", GOOD.replace(good, broken))
    [found] = problems_of(tmp_path)
    assert found.startswith(problem)


def test_missing_front_matter_is_reported_field_by_field(tmp_path: Path) -> None:
    write(tmp_path, "fr/aeeh.md", "Une aide mensuelle.")
    assert "fr/aeeh.md:1: title: missing" in problems_of(tmp_path)


def test_all_problems_of_all_files_are_reported_together(tmp_path: Path) -> None:
    write(tmp_path, "fr/aeeh.md", GOOD.replace("topic: prestations", "topic: cuisine"))
    write(tmp_path, "fr/AAH.md", GOOD.replace("AEEH ?", "AAH ?"))
    write(tmp_path, "es/aeeh.md", GOOD)
    (tmp_path / "fr" / "latin.md").write_bytes(GOOD.encode("latin-1", "replace") + b"\xe9")
    assert sorted(line.split(": ")[0] for line in problems_of(tmp_path)) == [
        "es/aeeh.md:1",
        "fr/AAH.md:1",
        "fr/aeeh.md:3",
        "fr/latin.md:1",
    ]


def test_a_question_in_two_entries_is_reported(tmp_path: Path) -> None:
    write(tmp_path, "fr/aah.md", GOOD)
    write(tmp_path, "fr/aeeh.md", GOOD.replace("C'est quoi l'AEEH ?", "  c’est quoi l'aeeh"))
    write(tmp_path, "en/aah.md", GOOD)
    assert problems_of(tmp_path) == ['fr/aeeh.md:5: questions: "  c’est quoi l\'aeeh" is also in fr/aah.md']


def test_a_folder_without_entries_is_reported(tmp_path: Path) -> None:
    assert "no entries" in problems_of(tmp_path)[0]


def test_the_bundled_entries_are_valid_and_exist_in_both_languages() -> None:
    names = {(file.entry.language, file.entry.slug) for file in read_folder(BUNDLED)}
    assert {slug for language, slug in names if language == "fr"} == {
        slug for language, slug in names if language == "en"
    }
    assert len(names) >= 220


FILES = read_folder(BUNDLED)
BUNDLED_FILES = pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.entry.language}/{file.path.stem}")
FRENCH_FILES = pytest.mark.parametrize(
    "file", [file for file in FILES if file.entry.language == "fr"], ids=lambda file: file.path.stem
)
# A sentence ends at a full stop, at the end of its line or at a semicolon or colon, which divide a list in one line.
SENTENCE_END = re.compile(r"[.!?…;:]+(?=\s|$)|\n")
WORD = re.compile(r"[\wÀ-ÿ]+(?:[’'-][\wÀ-ÿ]+)*")


@BUNDLED_FILES
def test_an_entry_is_short(file: EntryFile) -> None:
    """At most two screens of a phone: when the AI is unavailable, the entry is shown as the answer."""
    assert len(file.entry.text) <= 1900


@BUNDLED_FILES
def test_amounts_that_change_are_used_by_name(file: EntryFile) -> None:
    written = file.path.read_text("utf-8")
    assert re.findall(r"\d+[.,]\d\d\s?€|€\d[\d,]*\.\d\d", written) == []


@BUNDLED_FILES
def test_sentences_have_at_most_25_words(file: EntryFile) -> None:
    sentences = [WORD.findall(sentence) for sentence in SENTENCE_END.split(file.entry.text)]
    assert [" ".join(words) for words in sentences if len(words) > 25] == []
    brief = file.entry.text.split("\n\n")[0]
    assert len(WORD.findall(brief)) <= 25


@FRENCH_FILES
def test_french_has_its_apostrophes_and_no_break_spaces(file: EntryFile) -> None:
    shown = "\n".join([file.entry.title, *file.entry.questions, file.entry.text])
    assert re.findall(r".{0,9}\w'\w.{0,9}|.{0,9}[\w)] [:;!?»%€].{0,9}|« .{0,9}", shown) == []


AMOUNTS = """[[amount]]
name = "aeeh"
value = 153.01
unit = "€"
valid_from = 2026-04-01
valid_to = 2099-03-31
source = "D. 541-1"
"""


def test_an_entry_has_its_amounts_and_is_valid_as_long_as_they_are(tmp_path: Path) -> None:
    write(tmp_path, "amounts.toml", AMOUNTS)
    write(tmp_path, "fr/aeeh.md", GOOD.replace("Une aide mensuelle.", "Une aide de {{aeeh}}."))
    [file] = read_folder(tmp_path)
    assert file.entry.text.split("\n\n")[1] == "Une aide de 153,01\xa0€."
    assert file.entry.valid_until == dt.date(2099, 3, 31)


def test_an_entry_may_end_before_its_amounts_do(tmp_path: Path) -> None:
    write(tmp_path, "amounts.toml", AMOUNTS)
    entry = GOOD.replace("checked_on:", "valid_until: 2026-12-31\nchecked_on:")
    write(tmp_path, "fr/aeeh.md", entry.replace("Une aide mensuelle.", "Une aide de {{aeeh}}."))
    assert read_folder(tmp_path)[0].entry.valid_until == dt.date(2026, 12, 31)


def test_an_unknown_amount_is_reported_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, "amounts.toml", AMOUNTS)
    write(tmp_path, "fr/aeeh.md", GOOD.replace("Une aide mensuelle.", "Une aide de {{aah}}."))
    assert problems_of(tmp_path) == ["fr/aeeh.md:12: unknown amount {{aah}}"]


def test_broken_amounts_are_reported(tmp_path: Path) -> None:
    write(tmp_path, "amounts.toml", AMOUNTS.replace("153.01", '"153"'))
    write(tmp_path, "fr/aeeh.md", GOOD)
    assert problems_of(tmp_path) == ["amounts.toml: aeeh: value is not of its type, or empty"]


@BUNDLED_FILES
def test_the_number_about_disability_stands_with_its_hours(file: EntryFile) -> None:
    text = re.sub(r"\s", " ", file.entry.text.partition("\n\n")[2])
    hours = {"fr": "en semaine, en journée", "en": "on weekdays in the daytime"}[file.entry.language]
    assert "0 800 360 360" not in text or hours in text.lower()
