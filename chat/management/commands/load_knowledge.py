"""`manage.py load_knowledge`: load knowledge base entries from files into the database."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from chat.knowledge.files import BUNDLED, FIELDS, OPTIONAL_FIELDS, KnowledgeError, read_folder
from chat.models import KnowledgeEntry


@dataclass
class Changes:
    """The entries by what the load does with them, as `language/slug`."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    without_file: list[str] = field(default_factory=list)


class Command(BaseCommand):
    help = (
        "Load the entries of a folder (fr/*.md, en/*.md; default: the bundled ones) into the database. Files take "
        "precedence: an entry edited in the admin is overwritten by its file. Whether an entry is enabled is not "
        "changed. If any file is invalid, nothing is loaded. -v 2 lists each change."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", nargs="?", type=Path, default=BUNDLED)
        parser.add_argument("--prune", action="store_true", help="remove entries that have no file")
        parser.add_argument("--dry-run", action="store_true", help="print the changes without making them")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            entries = [file.entry for file in read_folder(options["folder"])]
        except KnowledgeError as error:
            raise CommandError(f"{len(error.problems)} problem(s), nothing loaded:\n{error}", returncode=1) from error
        with transaction.atomic():
            changes = load(entries, prune=options["prune"])
            transaction.set_rollback(options["dry_run"])
        would = "would be " if options["dry_run"] else ""
        if options["verbosity"] > 1:
            for verb, names in (("added", changes.added), ("changed", changes.changed), ("removed", changes.removed)):
                self.stdout.writelines(f"{would}{verb}: {name}\n" for name in names)
        if changes.without_file:
            self.stdout.write(f"without a file, kept (--prune removes): {', '.join(changes.without_file)}")
        self.stdout.write(
            f"{len(changes.added)} {would}added, {len(changes.changed)} {would}changed, "
            f"{len(changes.unchanged)} unchanged, {len(changes.removed)} {would}removed"
        )


def load(entries: list[KnowledgeEntry], *, prune: bool) -> Changes:
    """Make the rows equal to the entries; delete rows without an entry only if `prune`. Needs a transaction."""
    rows = {str(row): row for row in KnowledgeEntry.objects.select_for_update()}
    changes = Changes()
    for entry in entries:
        row = rows.pop(str(entry), None)
        if row is None:
            entry.save(force_insert=True)
            changes.added.append(str(entry))
        elif _update(row, entry):
            row.save()
            changes.changed.append(str(entry))
        else:
            changes.unchanged.append(str(entry))
    if prune:
        KnowledgeEntry.objects.filter(pk__in=[row.pk for row in rows.values()]).delete()
    (changes.removed if prune else changes.without_file).extend(rows)
    return changes


def _update(row: KnowledgeEntry, entry: KnowledgeEntry) -> bool:
    """Copy the entry's content to the row, without saving it; whether anything changed."""
    differing = [name for name in (*FIELDS, *OPTIONAL_FIELDS, "text") if getattr(row, name) != getattr(entry, name)]
    for name in differing:
        setattr(row, name, getattr(entry, name))
    return bool(differing)
