"""The WSGI application skips close_caches after requests, because no cache has anything to close."""

from __future__ import annotations

import subprocess
import sys

from django.conf import settings
from django.core.cache import caches
from django_redis import get_redis_connection

from tests.support.services import ROOT

RECEIVERS = """
from bff.wsgi import application
from django.core.signals import request_finished
print(*(reference().__name__ for _, reference, *_ in request_finished.receivers))
"""


def test_after_a_request_database_connections_are_checked_and_caches_are_not_closed():
    process = subprocess.run([sys.executable, "-c", RECEIVERS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert process.stdout.split() == ["close_old_connections", "reset_urlconf"]


def test_closing_a_cache_keeps_its_connections():
    for alias in settings.CACHES:
        pool = get_redis_connection(alias).connection_pool
        get_redis_connection(alias).ping()
        connection = pool.get_connection()
        pool.release(connection)
        caches[alias].close()
        assert connection.is_connected, alias
