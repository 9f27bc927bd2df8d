"""Load the knowledge base from files."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from chat.knowledge.files import BUNDLED, FIELDS, KnowledgeError, read_folder
from chat.models import KnowledgeEntry


@dataclass
class Changes:
    """What a load does, as `language/slug`."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    only_here: list[str] = field(default_factory=list)


class Command(BaseCommand):
    help = (
        "Load the entries of a folder (fr/*.md, en/*.md; default: the bundled ones) into the database. Files win: an "
        "entry edited in the admin is overwritten by its file, so keep what you edit there in files of your own. "
        "Whether an entry is in use is left as it was. Any broken file: nothing is loaded. -v 2 names each change."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", nargs="?", type=Path, default=BUNDLED)
        parser.add_argument("--prune", action="store_true", help="remove entries that have no file")
        parser.add_argument("--dry-run", action="store_true", help="say what would change and change nothing")

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
        if changes.only_here:
            self.stdout.write(f"without a file, kept (--prune removes): {', '.join(changes.only_here)}")
        self.stdout.write(
            f"{len(changes.added)} {would}added, {len(changes.changed)} {would}changed, "
            f"{len(changes.unchanged)} unchanged, {len(changes.removed)} {would}removed"
        )


def load(entries: list[KnowledgeEntry], *, prune: bool) -> Changes:
    """Make the rows equal to the entries; rows without an entry go only when pruning. Wants a transaction."""
    rows = {str(row): row for row in KnowledgeEntry.objects.select_for_update()}
    changes = Changes()
    for entry in entries:
        row = rows.pop(str(entry), None)
        if row is None:
            entry.save(force_insert=True)
            changes.added.append(str(entry))
        elif _take_over(row, entry):
            row.save()
            changes.changed.append(str(entry))
        else:
            changes.unchanged.append(str(entry))
    if prune:
        KnowledgeEntry.objects.filter(pk__in=[row.pk for row in rows.values()]).delete()
    (changes.removed if prune else changes.only_here).extend(rows)
    return changes


def _take_over(row: KnowledgeEntry, entry: KnowledgeEntry) -> bool:
    """Give the row the entry's content; False when it had it already."""
    differing = [name for name in (*FIELDS, "text") if getattr(row, name) != getattr(entry, name)]
    for name in differing:
        setattr(row, name, getattr(entry, name))
    return bool(differing)
