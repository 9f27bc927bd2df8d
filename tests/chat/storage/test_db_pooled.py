"""Behind a connection pooler in transaction mode, as at Supabase: each transaction may use another connection."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.support.commands import manage
from tests.support.requirements import skip_or_fail
from tests.support.server import Server
from tests.support.services import HOST, Process, free_port

pytestmark = pytest.mark.django_db(transaction=True)

CONNECTIONS = 2  # to PostgreSQL, for all clients
PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONFIG = """
[databases]
* = host={socket} user={user}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = any
admin_users = {user}
pool_mode = transaction
default_pool_size = {connections}
"""


@pytest.fixture
def pooler(tmp_path: Path, few_entries: None) -> Iterator[str]:
    """The address of the test database behind a pooler with two connections."""
    if PGBOUNCER is None:
        skip_or_fail("pgbouncer is not installed (Debian's package pgbouncer)")
    database, port = connection.settings_dict, free_port()
    socket = Path(database["HOST"] or database["OPTIONS"]["host"])
    config = tmp_path / "pgbouncer.ini"
    config.write_text(
        CONFIG.format(socket=socket, user=database["USER"], host=HOST, port=port, connections=CONNECTIONS)
    )
    # pgbouncer refuses to run as root; the owner of the data directory can reach the socket.
    as_user = ["-u", pwd.getpwuid(socket.stat().st_uid).pw_name] if os.geteuid() == 0 else []
    process = Process(PGBOUNCER, *as_user, str(config), port=port)
    yield f"postgresql://{database['USER']}@{HOST}:{port}/{database['NAME']}"
    process.stop()


def test_conversations_export_and_deletion_work_behind_the_pooler(pooler, ai):
    server = Server(workers=2, DATABASE_URL=pooler)

    def use_all_routes(number: int) -> None:
        session = server.visitor()
        first = session.post(f"{server.url}/api/chat/message", json={"message": f"Question {number} ?"}).json()
        for again in range(3):
            body = {"message": f"Et {again} ?", "conversationId": first["conversationId"]}
            assert session.post(f"{server.url}/api/chat/message", json=body).json()["saved"] is True
        history = session.get(
            f"{server.url}/api/chat/history", params={"conversationId": first["conversationId"]}
        ).json()
        questions = [item["text"] for item in history["items"] if item["role"] == "user"]
        assert questions == [f"Question {number} ?", "Et 0 ?", "Et 1 ?", "Et 2 ?"]
        assert len(session.get(f"{server.url}/api/me/export").json()["conversations"]) == 1
        assert session.delete(f"{server.url}/api/me").json() == {"deleted": 1}

    try:
        with ThreadPoolExecutor(12) as pool:
            list(pool.map(use_all_routes, range(12)))
        assert 1 <= open_connections(pooler) <= CONNECTIONS
        assert prepared_statements(pooler) == []
        assert not [line for line in server.lines() if '"level":"error"' in line]
    finally:
        server.stop()


def test_prepared_statements_check_detects_a_leftover_statement(pooler):
    with psycopg.connect(pooler) as other_client:
        other_client.execute("SELECT 'left behind'", prepare=True)
    assert prepared_statements(pooler) == ["SELECT 'left behind'"]


@pytest.mark.parametrize("command", [["migrate", "--check"], ["load_knowledge"], ["purge_conversations"]])
def test_commands_work_behind_the_pooler(pooler, command):
    done = manage(*command, env={**os.environ, "DATABASE_URL": pooler})
    assert done.returncode == 0, done.stderr


def open_connections(pooler: str) -> int:
    """The number of connections to PostgreSQL that the pooler reports."""
    with psycopg.connect(f"{pooler.rpartition('/')[0]}/pgbouncer", autocommit=True, prepare_threshold=None) as console:
        return len(console.execute("SHOW SERVERS").fetchall())


def prepared_statements(pooler: str) -> list[str]:
    """The statements prepared on all of the pooler's connections to PostgreSQL."""
    with ExitStack() as transactions:  # open transactions, so each has its own connection
        clients = [
            transactions.enter_context(psycopg.connect(pooler, prepare_threshold=None)) for _ in range(CONNECTIONS)
        ]
        pids = {client.execute("SELECT pg_backend_pid()").fetchone() for client in clients}
        assert len(pids) == CONNECTIONS
        return [row[0] for client in clients for row in client.execute("SELECT statement FROM pg_prepared_statements")]
