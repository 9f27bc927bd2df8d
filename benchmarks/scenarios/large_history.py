"""The history on a table of millions of messages: how long its statements take, and how long a writer waits meanwhile.

A writer inserts a message all the time; its longest wait during a migration or a purge is the lock that people would
notice. PostgreSQL writes durably, unlike in the other parts.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any
from unittest.mock import patch

from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from benchmarks.harness.progress import print_progress
from chat.history import conversation_list, conversations
from chat.storage.db_executor import db_executor

MESSAGES = 5_000_000
OF_A_CONVERSATION = 10
OF_A_PERSON = 5  # conversations
BUSY = 2_000  # conversations of one person, the busiest
OLD = 10  # percent of the conversations are older than RETENTION_DAYS
FIRST = "0003"  # filled at this migration: those after it are applied to a full table
REPEATS = 10

_CONVERSATIONS = """
INSERT INTO chat_conversation (id, public_id, owner, title, created_at, updated_at)
SELECT n, 'conversation-' || n, CASE WHEN n <= %(busy)s THEN 'busy' ELSE 'person-' || n %% %(people)s END,
       'Comment demander une aide ' || n %% 1000 || ' ?', at, at
FROM generate_series(1, %(conversations)s) n,
     LATERAL (SELECT now() - interval '1 day' * (n %% 100 * 4) AS at) times
"""
_MESSAGES = """
INSERT INTO chat_message (public_id, conversation_id, role, status, text, origin, sources, suggestions, receipt, rating,
                          comment, correlation_id, run_id, cache_key, created_at)
SELECT md5('message ' || n), 1 + n / %(each)s, CASE WHEN n %% 2 = 0 THEN 'user' ELSE 'assistant' END, 'complete',
       repeat('Votre droit dépend du dossier ' || n %% 997 || '. ', CASE WHEN n %% 2 = 0 THEN 2 ELSE 20 END),
       CASE WHEN n %% 2 = 0 THEN '' ELSE 'ai' END, '[]', '[]', '{"door": "chat", "origin": "ai", "ending": "stop"}', '',
       '', 'req-' || md5('request ' || n / 2), '', '', now()
FROM generate_series(%(first)s, %(last)s) n
"""


def measure(messages: int = MESSAGES) -> None:
    """Print a table of all figures."""
    _write_durably()
    call_command("migrate", "chat", FIRST, verbosity=0)
    _fill(messages)
    print(f"{messages:,} messages: {_size()}", flush=True)
    print("\n| statement | seconds | a writer waits at most, ms |\n| --- | ---: | ---: |", flush=True)
    for name in _migrations_after(FIRST):
        _print_job(f"migration {name}", lambda name=name: call_command("migrate", "chat", name, verbosity=0))
    _print_queries()
    _print_job("purge_conversations", lambda: call_command("purge_conversations", days=360, verbosity=0))
    print(f"\nafter it: {_size()}", flush=True)


def _write_durably() -> None:
    with connection.cursor() as cursor:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            cursor.execute(f"ALTER SYSTEM SET {setting} = on")
        cursor.execute("ALTER SYSTEM SET max_wal_size = '2GB'")
        cursor.execute("SELECT pg_reload_conf()")


def _fill(messages: int, batch: int = 250_000) -> None:
    number = messages // OF_A_CONVERSATION
    with connection.cursor() as cursor:
        cursor.execute(
            _CONVERSATIONS, {"busy": min(BUSY, number // 10), "people": number // OF_A_PERSON, "conversations": number}
        )
        for first in range(0, messages, batch):
            print_progress(f"{first:,} of {messages:,} messages")
            last = min(first + batch, messages) - 1
            cursor.execute(_MESSAGES, {"each": OF_A_CONVERSATION, "first": first, "last": last})
        cursor.execute("SELECT setval('chat_conversation_id_seq', %s)", [number])
        cursor.execute("VACUUM ANALYZE chat_message, chat_conversation")


def _migrations_after(first: str) -> list[str]:
    names = sorted(name for app, name in MigrationLoader(connection).graph.nodes if app == "chat")
    return [name for name in names if name > f"{first}_~"]


def _print_job(name: str, job: Callable[[], Any]) -> None:
    with _writer() as waits:
        began = time.perf_counter()
        job()
        seconds = time.perf_counter() - began
    print(f"| {name} | {seconds:.2f} | {max(waits) * 1000:.0f} |", flush=True)


@contextmanager
def _writer() -> Iterator[list[float]]:
    """Seconds that each insert of a message took meanwhile, with a connection of its own."""
    waits: list[float] = []
    stopped = threading.Event()

    def write() -> None:
        own = connection.copy()
        with own.cursor() as cursor:
            for number in iter(lambda: len(waits), None):
                first = 10**9 + int(time.time() * 1000) * 10 + number
                began = time.perf_counter()
                cursor.execute(_MESSAGES, {"each": 10**18, "first": first, "last": first})
                waits.append(time.perf_counter() - began)
                if stopped.wait(0.01):
                    break
        own.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield waits
    finally:
        stopped.set()
        thread.join()


def _print_queries() -> None:
    print("\n| query | ms, median | plan |\n| --- | ---: | --- |", flush=True)
    queries: dict[str, Callable[[], Any]] = {
        "conversations of a person": lambda: conversation_list.page("person-7", None, 20),
        "conversations of the busiest": lambda: conversation_list.page("busy", None, 20),
        "search of a person": lambda: conversation_list.page("person-7", None, 20, search="introuvable"),
        "search of the busiest": lambda: conversation_list.page("busy", None, 20, search="introuvable"),
        "history of a conversation": lambda: conversations.page_of_messages("busy", "conversation-7", 0, 50),
        "before a follow-up question": lambda: conversations.resolve("busy", "conversation-7"),
    }
    with patch.object(db_executor, "run", lambda work: work()):
        for name, query in queries.items():
            times = [_timed(query) for _ in range(REPEATS)]
            print(f"| {name} | {median(times) * 1000:.1f} | {_plan(query)} |", flush=True)


def _timed(query: Callable[[], Any]) -> float:
    began = time.perf_counter()
    query()
    return time.perf_counter() - began


def _plan(query: Callable[[], Any]) -> str:
    """How the query's statements find their rows."""
    statements: list[tuple[str, Any]] = []

    def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record):
        query()
    plans = ""
    with connection.cursor() as cursor:
        for sql, params in statements:
            cursor.execute(f"EXPLAIN {sql}", params)
            plans += "\n".join(row[0] for row in cursor.fetchall())
    return ", ".join(dict.fromkeys(re.findall(r"(?:Index|Bitmap|Seq)[\w ]* on \w+|Index[\w ]* using \w+", plans)))


def _size() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_size_pretty(sum(pg_total_relation_size(c))) FROM unnest(%s::regclass[]) c",
            [["chat_message", "chat_conversation"]],
        )
        return str(cursor.fetchone()[0])
