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


def test_an_entry_is_read_with_all_it_holds(tmp_path: Path) -> None:
    write(tmp_path, "fr/aeeh.md", GOOD)
    [file] = read_folder(tmp_path)
    assert file.path == tmp_path / "fr" / "aeeh.md"
    assert (file.entry.language, file.entry.slug, file.entry.topic) == ("fr", "aeeh", "prestations")
    assert file.entry.questions == ["C'est quoi l'AEEH ?"]
    assert file.entry.checked_on == dt.date(2025, 4, 1)
    assert file.entry.text == "Une aide mensuelle.\n\n- Sans condition de revenus."
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
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, good: str, broken: str, problem: str) -> None:
    assert good in GOOD
    write(tmp_path, "fr/aeeh.md", GOOD.replace(good, broken))
    [found] = problems_of(tmp_path)
    assert found.startswith(problem)


def test_front_matter_that_is_missing_altogether_is_told_field_by_field(tmp_path: Path) -> None:
    write(tmp_path, "fr/aeeh.md", "Une aide mensuelle.")
    assert "fr/aeeh.md:1: title: missing" in problems_of(tmp_path)


def test_every_problem_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "fr/aeeh.md", GOOD.replace("topic: prestations", "topic: cuisine"))
    write(tmp_path, "fr/AAH.md", GOOD.replace("AEEH ?", "AAH ?"))
    write(tmp_path, "es/aeeh.md", GOOD)
    (tmp_path / "fr" / "latin.md").write_bytes(GOOD.encode("latin-1") + b"\xe9")
    assert sorted(line.split(": ")[0] for line in problems_of(tmp_path)) == [
        "es/aeeh.md:1",
        "fr/AAH.md:1",
        "fr/aeeh.md:3",
        "fr/latin.md:1",
    ]


def test_a_question_belongs_to_one_entry(tmp_path: Path) -> None:
    write(tmp_path, "fr/aah.md", GOOD)
    write(tmp_path, "fr/aeeh.md", GOOD.replace("C'est quoi l'AEEH ?", "  c’est quoi l'aeeh"))
    write(tmp_path, "en/aah.md", GOOD)
    assert problems_of(tmp_path) == ['fr/aeeh.md:5: questions: "  c’est quoi l\'aeeh" is also in fr/aah.md']


def test_a_folder_without_entries_is_refused(tmp_path: Path) -> None:
    assert "no entries" in problems_of(tmp_path)[0]


def test_the_bundled_entries_are_sound_and_written_in_both_languages() -> None:
    names = {(file.entry.language, file.entry.slug) for file in read_folder(BUNDLED)}
    assert {slug for language, slug in names if language == "fr"} == {
        slug for language, slug in names if language == "en"
    }
    assert len(names) >= 140


@pytest.mark.parametrize("file", read_folder(BUNDLED), ids=lambda file: f"{file.entry.language}/{file.path.stem}")
def test_an_entry_is_short_and_its_amounts_are_dated(file: EntryFile) -> None:
    """Two screens of a phone, because it is also what people read when the AI can't answer."""
    assert len(file.entry.text) <= 1800
    for paragraph in file.entry.text.split("\n\n"):
        if "€" in paragraph:
            assert re.search(r"\b20\d\d\b|à cette date|on that date|at that date|at that time", paragraph), paragraph
