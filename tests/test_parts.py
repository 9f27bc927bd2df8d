from __future__ import annotations
import pytest
from django.db import connection
from django_redis import get_redis_connection

@pytest.mark.django_db
def test_parts():
    with connection.cursor() as c:
        c.execute("select version()"); print(c.fetchone())
    for a in ("default", "breaker"):
        assert get_redis_connection(a).ping()
