"""Instances of a new release that start together migrate one database."""

from __future__ import annotations

import os
import subprocess
import sys

from django.db.migrations import AddIndex, CreateModel
from django.db.migrations.loader import MigrationLoader

from chat.online_migrations import AddIndexOnline
from tests.support.postgres import Postgres
from tests.support.services import ROOT, new_folder

INSTANCES = 3


def test_instances_that_migrate_an_empty_database_at_once_all_succeed_with_a_pool_of_one_connection():
    postgres = Postgres(new_folder("postgres"))
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    try:
        started = [
            subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": postgres.address, "DATABASE_POOL_SIZE": "1"},
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(INSTANCES)
        ]
        errors = [process.communicate(timeout=100)[1] for process in started]
    finally:
        postgres.stop()
    assert [process.returncode for process in started] == [0] * INSTANCES, errors


def test_no_migration_builds_an_index_that_stops_writers():
    """An index on a table that exists before the migration is built online."""
    migrations = MigrationLoader(None).graph.nodes.items()
    found = []
    for (app, name), migration in migrations:
        if app == "chat":
            created = {each.name_lower for each in migration.operations if isinstance(each, CreateModel)}
            found += [
                name
                for each in migration.operations
                if isinstance(each, AddIndex) and not isinstance(each, AddIndexOnline)
                if each.model_name_lower not in created
            ]
    assert found == []
