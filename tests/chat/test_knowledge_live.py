"""The library in force follows the database, by itself, and outlives it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connections

from chat import knowledge
from chat.knowledge import live
from chat.knowledge.live import LiveLibrary
from chat.models import KnowledgeEntry
from tests.services import ROOT
from tests.waiting import eventually

IN_FORCE_SECONDS = 5.0


@pytest.fixture
def library() -> Iterator[LiveLibrary]:
    """A fresh one, in the place of this process' own: two would build their indexes at the same time."""
    knowledge._library.stop()
    library = knowledge._library = LiveLibrary()
    yield library
    library.stop()
    knowledge._library = LiveLibrary()


def names() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


def title(library: LiveLibrary, slug: str) -> str | None:
    entry = library().article(slug, "fr")
    return entry.title if entry else None


@pytest.mark.django_db(transaction=True)
def test_a_change_in_the_database_is_in_force_within_five_seconds(library: LiveLibrary) -> None:
    call_command("load_knowledge", verbosity=0)
    entry = KnowledgeEntry.objects.get(language="fr", slug="aeeh")
    revision = library().search("aeeh", "fr", 1)[0].revision

    KnowledgeEntry.objects.filter(pk=entry.pk).update(enabled=False)
    eventually(lambda: library().search("aeeh", "fr", 1)[0].slug != "aeeh", IN_FORCE_SECONDS)

    entry.title, entry.enabled = "L'AEEH, revue", True
    entry.save()
    eventually(lambda: title(library, "aeeh") == "L'AEEH, revue", IN_FORCE_SECONDS)
    assert library().search("aeeh", "fr", 1)[0].revision == entry.revision != revision

    entry.delete()
    eventually(lambda: title(library, "aeeh") is None, IN_FORCE_SECONDS)


@pytest.mark.django_db(transaction=True)
def test_an_unchanged_database_is_not_indexed_again(library: LiveLibrary) -> None:
    call_command("load_knowledge", verbosity=0)
    library.refresh()
    before = library()
    library.refresh()
    assert library() is before


@pytest.mark.django_db(transaction=True)
def test_the_bundled_entries_serve_until_any_were_loaded(library: LiveLibrary) -> None:
    assert title(library, "aeeh")
    KnowledgeEntry.objects.create(
        slug="seul", language="fr", topic="mdph", title="Seul", text="…", questions=["seul"], checked_on="2025-01-01"
    )
    eventually(lambda: [entry.slug for entry in library().entries] == ["seul"], IN_FORCE_SECONDS)


@pytest.mark.django_db(transaction=True)
def test_entries_that_were_all_taken_out_of_use_are_not_replaced_by_bundled_ones(library: LiveLibrary) -> None:
    call_command("load_knowledge", verbosity=0)
    KnowledgeEntry.objects.update(enabled=False)
    library.refresh()
    assert library().entries == []


class Unreachable:
    """Every new connection fails, as fast as a refused one or as slowly as a hung one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0) -> None:
        self.back = threading.Event()
        connect = type(connections["default"]).get_new_connection

        def refuse(wrapper: Any, parameters: Any) -> Any:
            if self.back.wait(seconds):
                return connect(wrapper, parameters)
            raise OperationalError("connection refused")

        monkeypatch.setattr(type(connections["default"]), "get_new_connection", refuse)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_an_unreachable_database_at_the_start_leaves_the_bundled_entries(
    library: LiveLibrary, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    call_command("load_knowledge", verbosity=0)
    KnowledgeEntry.objects.filter(slug="aeeh").update(title="De la base")
    database = Unreachable(monkeypatch, seconds)
    start = time.monotonic()
    assert title(library, "aeeh") != "De la base"
    assert time.monotonic() - start < 30.0  # not the sixty that a connection hangs
    database.back.set()
    eventually(lambda: title(library, "aeeh") == "De la base", IN_FORCE_SECONDS)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_goes_away_leaves_the_last_library(
    library: LiveLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_command("load_knowledge", verbosity=0)
    KnowledgeEntry.objects.filter(slug="aeeh").update(title="De la base")
    assert title(library, "aeeh") == "De la base"
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.05)
    Unreachable(monkeypatch)
    time.sleep(0.5)
    assert title(library, "aeeh") == "De la base"


@pytest.mark.django_db(transaction=True)
def test_threads_that_ask_first_at_once_all_get_the_same_library(library: LiveLibrary) -> None:
    call_command("load_knowledge", verbosity=0)
    barrier, got = threading.Barrier(8), []
    watchers = names().count("knowledge")

    def ask() -> None:
        barrier.wait()
        got.append(library())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len({id(one) for one in got}) == 1
    assert names().count("knowledge") == watchers + 1


@pytest.mark.django_db(transaction=True)
def test_no_connection_is_held_between_two_checks(library: LiveLibrary) -> None:
    connections["default"].close_pool()  # it misses what threads of other tests never gave back
    library()
    pool = connections["default"].pool
    assert pool is not None
    eventually(lambda: pool.get_stats()["pool_available"] == pool.get_stats()["pool_size"], IN_FORCE_SECONDS)


@pytest.mark.django_db
def test_a_search_asks_the_database_nothing(library: LiveLibrary, django_assert_num_queries: Any) -> None:
    library()
    with django_assert_num_queries(0):
        library().search("aeeh", "fr", 3)


def test_the_watcher_is_started_again_after_a_fork(library: LiveLibrary) -> None:
    library()
    watcher = library._watcher
    library._watcher = threading.Thread()  # what a fork leaves of it: a thread that doesn't run
    library()
    assert library._watcher not in (None, watcher)
    assert library._watcher.is_alive()


IN_A_GEVENT_WORKER = """
from gevent import monkey; monkey.patch_all()
import os, threading, time
os.environ["DJANGO_SETTINGS_MODULE"] = "bff.settings"
import django; django.setup()
from chat.knowledge.library import Library
from chat.knowledge.live import bundled_entries
entries, turns, built = bundled_entries(), 0, threading.Event()
def others():
    global turns
    while not built.is_set():
        turns += 1
        time.sleep(0)
threading.Thread(target=others).start()
Library(entries)
built.set()
print("TURNS", turns)
"""


def test_building_an_index_lets_the_others_of_a_gevent_worker_have_their_turns() -> None:
    run = subprocess.run(
        [sys.executable, "-c", IN_A_GEVENT_WORKER], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(run.stdout.rpartition("TURNS ")[2]) > 10  # it is one when the build gives none away
