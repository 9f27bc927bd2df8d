from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from chat.knowledge.files import BUNDLED
from chat.models import KnowledgeEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(BUNDLED / "amounts.toml", tmp_path)
    for name in ("fr/aeeh.md", "fr/aah.md", "en/aeeh.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(BUNDLED / name, tmp_path / name)
    return tmp_path


def load(*arguments: object) -> list[str]:
    out = io.StringIO()
    call_command("load_knowledge", *map(str, arguments), stdout=out, verbosity=2)
    return out.getvalue().splitlines()


def rows() -> set[str]:
    return {str(entry) for entry in KnowledgeEntry.objects.all()}


def test_the_bundled_entries_are_added_once() -> None:
    count = len(list(BUNDLED.glob("*/*.md")))
    assert load()[-2:] == ["added: fr/vivre-adulte-accompagne", f"{count} added, 0 changed, 0 unchanged, 0 removed"]
    assert load() == [f"0 added, 0 changed, {count} unchanged, 0 removed"]
    assert KnowledgeEntry.objects.count() == count


def test_a_changed_file_updates_only_its_entry(folder: Path) -> None:
    load(folder)
    before = dict(KnowledgeEntry.objects.values_list("pk", "updated_at"))
    file = folder / "fr" / "aeeh.md"
    file.write_text(
        file.read_text("utf-8").replace("Vos revenus ne comptent pas.", "Vos revenus comptent peu."), "utf-8"
    )
    assert load(folder) == ["changed: fr/aeeh", "0 added, 1 changed, 2 unchanged, 0 removed"]
    entry = KnowledgeEntry.objects.get(language="fr", slug="aeeh")
    assert "Vos revenus comptent peu." in entry.text
    after = dict(KnowledgeEntry.objects.values_list("pk", "updated_at"))
    assert {pk for pk in after if after[pk] != before[pk]} == {entry.pk}


def test_a_load_overwrites_edits_but_keeps_an_entry_disabled(folder: Path) -> None:
    load(folder)
    entry = KnowledgeEntry.objects.get(language="fr", slug="aeeh")
    entry.title, entry.enabled = "Édité", False
    entry.save()
    load(folder)
    entry.refresh_from_db()
    assert entry.title != "Édité"
    assert entry.enabled is False


def test_entries_without_a_file_are_removed_only_with_prune(folder: Path) -> None:
    load(folder)
    (folder / "fr" / "aah.md").unlink()
    assert load(folder)[0] == "without a file, kept (--prune removes): fr/aah"
    assert "fr/aah" in rows()
    assert load(folder, "--prune") == ["removed: fr/aah", "0 added, 0 changed, 2 unchanged, 1 removed"]
    assert rows() == {"fr/aeeh", "en/aeeh"}


def test_a_dry_run_prints_the_changes_without_making_them(folder: Path) -> None:
    KnowledgeEntry.objects.create(
        slug="old", language="fr", topic="mdph", title="Vieux", text="…", checked_on="2020-01-01"
    )
    lines = load(folder, "--dry-run", "--prune")
    assert "would be removed: fr/old" in lines
    assert lines[-1] == "3 would be added, 0 would be changed, 0 unchanged, 1 would be removed"
    assert rows() == {"fr/old"}


def test_invalid_files_are_all_listed_and_nothing_is_loaded(folder: Path) -> None:
    for name in ("fr/aeeh.md", "fr/aah.md"):
        file = folder / name
        file.write_text(file.read_text("utf-8").replace("checked_on: 2026-04-01", "checked_on: hier"), "utf-8")
    with pytest.raises(CommandError) as raised:
        load(folder)
    assert raised.value.returncode == 1
    assert "2 problem(s), nothing loaded" in str(raised.value)
    assert "fr/aah.md:" in str(raised.value)
    assert "fr/aeeh.md:" in str(raised.value)
    assert rows() == set()


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no entries"):
        load(tmp_path / "nowhere")
