"""Behind a pooler in transaction mode, as Supabase has one: each transaction may meet another connection."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import requests
from django.db import connection

from tests.missing import missing
from tests.server import Server
from tests.services import HOST, ROOT, Process, free_port

pytestmark = pytest.mark.django_db(transaction=True)

CONNECTIONS = 2  # to PostgreSQL, for everybody
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
def pooler(tmp_path: Path, transactional_db: None) -> Iterator[str]:
    """The address of the test's database behind a pooler that lets two connections through."""
    if PGBOUNCER is None:
        missing("pgbouncer is not installed (Debian's package pgbouncer)")
    at, port = connection.settings_dict, free_port()
    socket = Path(at["HOST"] or at["OPTIONS"]["host"])
    config = tmp_path / "pgbouncer.ini"
    config.write_text(CONFIG.format(socket=socket, user=at["USER"], host=HOST, port=port, connections=CONNECTIONS))
    # It refuses to be root; whoever owns PostgreSQL's folder can reach its socket.
    become = ["-u", pwd.getpwuid(socket.stat().st_uid).pw_name] if os.geteuid() == 0 else []
    process = Process(PGBOUNCER, *become, str(config), port=port)
    yield f"postgresql://{at['USER']}@{HOST}:{port}/{at['NAME']}"
    process.stop()


def test_everything_works_behind_a_pooler_in_transaction_mode(pooler, ai):
    server = Server(workers=2, DATABASE_URL=pooler)

    def talk(number: int) -> None:
        person = requests.Session()
        page = person.get(f"{server.url}/", timeout=60)
        person.headers["X-CSRFToken"] = page.cookies["csrftoken"]
        first = person.post(f"{server.url}/api/chat/message", json={"message": f"Question {number} ?"}).json()
        for again in range(3):
            body = {"message": f"Et {again} ?", "conversationId": first["conversationId"]}
            assert person.post(f"{server.url}/api/chat/message", json=body).json()["saved"] is True
        history = person.get(
            f"{server.url}/api/chat/history", params={"conversationId": first["conversationId"]}
        ).json()
        asked = [item["text"] for item in history["items"] if item["role"] == "user"]
        assert asked == [f"Question {number} ?", "Et 0 ?", "Et 1 ?", "Et 2 ?"]
        assert len(person.get(f"{server.url}/api/me/export").json()["conversations"]) == 1
        assert person.delete(f"{server.url}/api/me").json() == {"deleted": 1}

    try:
        with ThreadPoolExecutor(12) as people:
            list(people.map(talk, range(12)))
        assert 1 <= connections_behind(pooler) <= CONNECTIONS
        assert prepared_behind(pooler) == []
        assert not [line for line in server.lines() if '"level":"error"' in line]
    finally:
        server.stop()


def test_a_statement_that_outlives_its_transaction_would_be_seen(pooler):
    with psycopg.connect(pooler) as another_program:
        another_program.execute("SELECT 'left behind'", prepare=True)
    assert prepared_behind(pooler) == ["SELECT 'left behind'"]


@pytest.mark.parametrize("command", [["migrate", "--check"], ["load_knowledge"], ["purge_conversations"]])
def test_commands_work_behind_it_too(pooler, command):
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": pooler},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def connections_behind(pooler: str) -> int:
    """How many the pooler holds open to PostgreSQL, by its own account."""
    with psycopg.connect(f"{pooler.rpartition('/')[0]}/pgbouncer", autocommit=True, prepare_threshold=None) as console:
        return len(console.execute("SHOW SERVERS").fetchall())


def prepared_behind(pooler: str) -> list[str]:
    """The statements that are prepared on the pooler's connections to PostgreSQL, all of which are looked at."""
    with ExitStack() as transactions:  # each is in the middle of one, so each has a connection of its own
        looks = [
            transactions.enter_context(psycopg.connect(pooler, prepare_threshold=None)) for _ in range(CONNECTIONS)
        ]
        pids = {look.execute("SELECT pg_backend_pid()").fetchone() for look in looks}
        assert len(pids) == CONNECTIONS
        return [row[0] for look in looks for row in look.execute("SELECT statement FROM pg_prepared_statements")]
