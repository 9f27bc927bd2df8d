"""What the server's application does without, and why it may."""

from __future__ import annotations

import subprocess
import sys

from django.conf import settings
from django.core.cache import caches
from django_redis import get_redis_connection

from tests.services import ROOT

RECEIVERS = """
from bff.wsgi import application
from django.core.signals import request_finished
print(*(reference().__name__ for _, reference, *_ in request_finished.receivers))
"""


def test_after_a_request_the_databases_are_looked_after_and_the_caches_are_not():
    told = subprocess.run([sys.executable, "-c", RECEIVERS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["close_old_connections", "reset_urlconf"]


def test_no_cache_of_ours_has_anything_to_close():
    for alias in settings.CACHES:
        pool = get_redis_connection(alias).connection_pool
        get_redis_connection(alias).ping()
        connection = pool.get_connection()
        pool.release(connection)
        caches[alias].close()
        assert connection.is_connected, alias
