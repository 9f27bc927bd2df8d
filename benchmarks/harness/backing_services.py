"""The Redis and PostgreSQL of the measured server: their processes and statistics."""

from __future__ import annotations

import os
from typing import Any

import psutil
from django.db import connection
from redis import Redis


def redis() -> psutil.Process:
    return next(child for child in psutil.Process().children() if "redis-server" in child.name())


def postgres() -> psutil.Process:
    """The postmaster, the parent of all PostgreSQL processes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        postmaster = psutil.Process(cursor.fetchone()[0]).parent()
    assert postmaster is not None
    return postmaster


def redis_client() -> Redis:
    return Redis.from_url(os.environ["REDIS_URL"])


def redis_info(section: str) -> dict[str, Any]:
    with redis_client() as client:
        return dict(client.info(section))  # type: ignore[arg-type]


def redis_traffic() -> tuple[int, int]:
    """Commands, and bytes in and out, since Redis started."""
    stats = redis_info("stats")
    return stats["total_commands_processed"], stats["total_net_input_bytes"] + stats["total_net_output_bytes"]


def wal_bytes() -> int:
    """Bytes written to PostgreSQL's write-ahead log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")
        return int(cursor.fetchone()[0])


def table_bytes() -> int:
    """Size of the history's tables and indexes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('chat_message') + pg_total_relation_size('chat_conversation')")
        return int(cursor.fetchone()[0])
