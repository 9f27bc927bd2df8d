"""The knowledge base follows changes of the database and survives its outages."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from chat import knowledge
from chat.knowledge import reloader
from chat.knowledge.reloader import KnowledgeReloader
from chat.models import KnowledgeEntry
from tests.support.factories import few_entries
from tests.support.outages import UnreachableDatabase
from tests.support.polling import eventually
from tests.support.services import ROOT

TIMEOUT_SECONDS = 30.0  # the reloader checks every second; a busy machine may take longer to build the index


@pytest.fixture
def new_reloader() -> Iterator[KnowledgeReloader]:
    """A new reloader that replaces the one of this process, so that only one builds indexes."""
    knowledge._reloader.stop()
    new_reloader = knowledge._reloader = KnowledgeReloader()
    yield new_reloader
    new_reloader.stop()
    knowledge._reloader = KnowledgeReloader()


def thread_names() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


def title(new_reloader: KnowledgeReloader, slug: str) -> str | None:
    entry = new_reloader.current().article(slug, "fr")
    return entry.title if entry else None


@pytest.mark.django_db(transaction=True)
def test_a_change_of_the_database_is_visible_without_a_restart(new_reloader: KnowledgeReloader) -> None:
    few_entries()
    entry = KnowledgeEntry.objects.get(language="fr", slug="aeeh")
    revision = new_reloader.current().search("aeeh", "fr", 1)[0].revision

    KnowledgeEntry.objects.filter(pk=entry.pk).update(enabled=False)
    eventually(
        lambda: "aeeh" not in {each.slug for each in new_reloader.current().search("aeeh", "fr", 1)}, TIMEOUT_SECONDS
    )

    entry.title, entry.enabled = "L'AEEH, revue", True
    entry.save()
    eventually(lambda: title(new_reloader, "aeeh") == "L'AEEH, revue", TIMEOUT_SECONDS)
    assert new_reloader.current().search("aeeh", "fr", 1)[0].revision == entry.revision != revision

    entry.delete()
    eventually(lambda: title(new_reloader, "aeeh") is None, TIMEOUT_SECONDS)


@pytest.mark.django_db(transaction=True)
def test_an_unchanged_database_is_not_indexed_again(new_reloader: KnowledgeReloader) -> None:
    few_entries()
    new_reloader.refresh()
    before = new_reloader.current()
    new_reloader.refresh()
    assert new_reloader.current() is before


@pytest.mark.django_db(transaction=True)
def test_the_bundled_entries_are_used_until_the_table_has_rows(new_reloader: KnowledgeReloader) -> None:
    assert title(new_reloader, "aeeh")
    KnowledgeEntry.objects.create(
        slug="seul", language="fr", topic="mdph", title="Seul", text="…", questions=["seul"], checked_on="2025-01-01"
    )
    eventually(lambda: [entry.slug for entry in new_reloader.current().entries] == ["seul"], TIMEOUT_SECONDS)


@pytest.mark.django_db(transaction=True)
def test_disabled_entries_are_not_replaced_by_bundled_ones(
    new_reloader: KnowledgeReloader,
) -> None:
    few_entries()
    KnowledgeEntry.objects.update(enabled=False)
    new_reloader.refresh()
    assert new_reloader.current().entries == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_the_bundled_entries_are_used_while_the_database_is_unavailable_at_the_start(
    new_reloader: KnowledgeReloader, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    few_entries()
    KnowledgeEntry.objects.filter(slug="aeeh").update(title="De la base")
    database = UnreachableDatabase(monkeypatch, seconds)
    start = time.monotonic()
    assert title(new_reloader, "aeeh") != "De la base"
    assert time.monotonic() - start < 30.0  # the connection hangs for 60
    database.is_back.set()
    eventually(lambda: title(new_reloader, "aeeh") == "De la base", TIMEOUT_SECONDS)


@pytest.mark.django_db(transaction=True)
def test_the_last_state_stays_while_the_database_is_unavailable(
    new_reloader: KnowledgeReloader, monkeypatch: pytest.MonkeyPatch
) -> None:
    few_entries()
    KnowledgeEntry.objects.filter(slug="aeeh").update(title="De la base")
    assert title(new_reloader, "aeeh") == "De la base"
    monkeypatch.setattr(reloader, "CHECK_SECONDS", 0.05)
    UnreachableDatabase(monkeypatch)
    time.sleep(0.5)
    assert title(new_reloader, "aeeh") == "De la base"


@pytest.mark.django_db(transaction=True)
def test_concurrent_first_calls_get_the_same_knowledge_base(new_reloader: KnowledgeReloader) -> None:
    few_entries()
    barrier, results = threading.Barrier(8), []
    watchers = thread_names().count("knowledge")

    def call() -> None:
        barrier.wait()
        results.append(new_reloader.current())

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8
    assert len({id(result) for result in results}) == 1
    assert thread_names().count("knowledge") == watchers + 1


@pytest.mark.django_db(transaction=True)
def test_no_connection_is_held_between_two_checks(new_reloader: KnowledgeReloader) -> None:
    connection: Any = connections["default"]
    connection.close_pool()  # threads of other tests may have leaked connections of the pool
    new_reloader.current()
    pool = connection.pool
    assert pool is not None
    eventually(lambda: pool.get_stats()["pool_available"] == pool.get_stats()["pool_size"], TIMEOUT_SECONDS)


@pytest.mark.django_db
def test_a_search_makes_no_query(new_reloader: KnowledgeReloader, django_assert_num_queries: Any) -> None:
    new_reloader.current()
    with django_assert_num_queries(0):
        new_reloader.current().search("aeeh", "fr", 3)


BEFORE_AND_AFTER_A_FORK = """
from gevent import monkey; monkey.patch_all()
import gevent, os, threading
os.environ["DJANGO_SETTINGS_MODULE"] = "bff.settings"
import django; django.setup()
from chat import knowledge
def watchers():
    return [thread.name for thread in threading.enumerate()].count("knowledge")
passages = knowledge.current().search("aeeh", "fr")
parents = watchers()
child = os.fork()
if not child:
    forked = watchers()
    knowledge.current().search("aeeh", "fr")
    os._exit(10 * forked + watchers())
print("WATCHERS", parents, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
others = []
gevent.spawn(others.append, "ran")
knowledge.current().search("aeeh", "fr"), knowledge.current().is_common("aeeh", "fr", passages)
print("OTHERS", others)
"""


@pytest.fixture(scope="module")
def searches() -> str:
    command = [sys.executable, "-c", BEFORE_AND_AFTER_A_FORK]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=100).stdout


def test_a_forked_process_starts_a_watcher_of_its_own(searches: str) -> None:
    assert "WATCHERS 1 1" in searches


def test_a_search_lets_no_other_greenlet_run_first(searches: str) -> None:
    assert "OTHERS []" in searches


IN_A_GEVENT_WORKER = """
from gevent import monkey; monkey.patch_all()
import os, threading, time
os.environ["DJANGO_SETTINGS_MODULE"] = "bff.settings"
import django; django.setup()
from chat.knowledge.knowledge_base import KnowledgeBase
from chat.knowledge.reloader import bundled_entries
entries, turns, built = bundled_entries(), 0, threading.Event()
def count_turns():
    global turns
    while not built.is_set():
        turns += 1
        time.sleep(0)
threading.Thread(target=count_turns).start()
KnowledgeBase(entries)
built.set()
print("TURNS", turns)
"""


def test_building_an_index_yields_to_other_greenlets() -> None:
    result = subprocess.run(
        [sys.executable, "-c", IN_A_GEVENT_WORKER], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(result.stdout.rpartition("TURNS ")[2]) > 10  # 1 if the build never yields
