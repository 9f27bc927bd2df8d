"""Every statement about conversations, messages and claims finds its rows by an index, on a real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from tests.support.polling import eventually

pytestmark = pytest.mark.django_db(transaction=True)

# Once a night, over a table with a row for each visitor who signed in.
MAY_SCAN = 'DELETE FROM "chat_claim" WHERE "chat_claim"."claimed_at" < %s'
TABLES = ("chat_conversation", "chat_message", "chat_claim", "chat_apikey")


class Recorder:
    """Records the statements of every connection of this process."""

    def __init__(self) -> None:
        self.statements: dict[str, Any] = {}
        self._wrapped: list[BaseDatabaseWrapper] = []

    def watch(self, connection: BaseDatabaseWrapper, **_: Any) -> None:
        if self._record not in connection.execute_wrappers:
            connection.execute_wrappers.append(self._record)
            self._wrapped.append(connection)

    def stop(self) -> None:
        for wrapped in self._wrapped:
            wrapped.execute_wrappers.remove(self._record)

    def _record(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not many and any(table in sql for table in TABLES):
            self.statements.setdefault(sql, params)
        return execute(sql, params, many, context)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    eventually(lambda: all(thread.name != "database" for thread in threading.enumerate()))  # they are connected already
    connection_created.connect(recorder.watch)
    recorder.watch(connection)
    yield recorder
    connection_created.disconnect(recorder.watch)
    recorder.stop()


def plan_of(sql: str, params: Any) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", params)
        return "\n".join(row[0] for row in cursor.fetchall())


def test_every_statement_finds_its_rows_by_an_index(visitor, ai, recorder):
    first = visitor.ask("Qu'est-ce que l'AEEH ?").json()
    conversation = first["conversationId"]
    list(visitor.stream("Et la PCH ?", conversationId=conversation).streaming_content)
    visitor.post_json("/api/chat/feedback", {"messageId": first["messageId"], "rating": "up"})
    for path in ("conversations", "conversations?q=aeeh", "history", f"history?conversationId={conversation}"):
        assert visitor.get(f"/api/chat/{path}").status_code == 200
    visitor.get(f"/api/chat/{conversation}/stream")
    visitor.post_json(f"/api/chat/{conversation}/stop", {})
    visitor.get("/api/me/export")
    visitor.delete("/api/chat/reset", {"conversationId": conversation}, content_type="application/json")
    visitor.delete("/api/me")
    call_command("purge_conversations", verbosity=0)

    assert len(recorder.statements) > 10
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")  # else a small table is always read whole
    try:
        plans = {
            sql: plan_of(sql, params)
            for sql, params in list(recorder.statements.items())
            if sql.startswith(("SELECT", "UPDATE", "DELETE", "WITH"))
        }
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET enable_seqscan")
    assert [sql for sql, plan in plans.items() if "Seq Scan on chat_" in plan] == [MAY_SCAN]
