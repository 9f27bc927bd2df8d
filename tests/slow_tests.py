"""Which tests are slow, by what they start and by where they are.

`make test-fast` leaves them out. `make test` runs some of them without coverage, which would double their time.
"""

from __future__ import annotations

import pytest

SLOW_PATHS = (
    "tests/bff/test_settings.py",
    "tests/chat/documents/test_files.py",
    "tests/chat/documents/test_kinds.py",
    "tests/chat/documents/test_unread_parts.py",
    "tests/chat/pipeline/test_cache_warmer.py",
    "tests/chat/pipeline/test_silence.py",
    "tests/chat/upstream/http/test_silent_connections.py",
    "tests/chat/upstream/test_breaker_defaults.py",
    "tests/chat/upstream/test_conformance.py",
    "tests/observability/test_logs.py",
    "tests/test_audit.py",
)
# What they test runs in programs of its own, or the same lines thousands of times.
WITHOUT_COVERAGE_PATHS = (
    "tests/benchmarks",
    "tests/bff/dev",
    "tests/bff/http/test_openapi.py",
    "tests/bff/server",
    "tests/bff/test_production.py",
    "tests/bff/test_wsgi.py",
    "tests/chat/documents/test_documents.py",
    "tests/chat/documents/test_hostile.py",
    "tests/chat/documents/test_letters.py",
    "tests/chat/documents/test_ocr.py",
    "tests/chat/documents/test_typography.py",
    "tests/chat/encoders/test_client_disconnect.py",
    "tests/chat/encoders/test_outlet.py",
    "tests/chat/knowledge/test_evaluation.py",
    "tests/chat/knowledge/test_index.py",
    "tests/chat/knowledge/test_reloader.py",
    "tests/chat/management/test_migrate.py",
    "tests/chat/pipeline/test_second_ai_under_load.py",
    "tests/chat/pipeline/test_wording.py",
    "tests/chat/storage/test_db_pooled.py",
    "tests/chat/storage/test_db_restart.py",
    "tests/chat/storage/test_slow_is_not_unavailable.py",
    "tests/chat/upstream/breaker/test_agreement.py",
    "tests/chat/upstream/test_calls.py",
    "tests/chat/upstream/test_session_gevent.py",
    "tests/clients",
    "tests/deploy",
    "tests/e2e",
    "tests/health/test_health_check.py",
    "tests/health/test_redis_refuses.py",
    "tests/observability/test_canaries.py",
    "tests/observability/test_cardinality.py",
    "tests/observability/test_gunicorn.py",
    "tests/observability/test_masking.py",
    "tests/observability/test_prometheus.py",
    "tests/observability/test_tracing.py",
    "tests/test_end_to_end.py",
    "tests/test_leftovers.py",
    "tests/test_redis_cluster.py",
    "tests/test_sentinel.py",
    "tests/test_two_releases.py",
)
# These start gunicorn, a browser or a PostgreSQL of their own.
WITHOUT_COVERAGE_FIXTURES = frozenset({"few_entries", "server", "two_servers", "pair", "instances", "page", "browser"})


def is_slow(item: pytest.Item) -> bool:
    return _is_in(item, SLOW_PATHS) or is_without_coverage(item)


def is_without_coverage(item: pytest.Item) -> bool:
    if item.get_closest_marker("without_coverage") or "linear_time" in item.name:
        return True
    fixtures = getattr(item, "fixturenames", ())
    return _is_in(item, WITHOUT_COVERAGE_PATHS) or not WITHOUT_COVERAGE_FIXTURES.isdisjoint(fixtures)


def _is_in(item: pytest.Item, paths: tuple[str, ...]) -> bool:
    path = item.nodeid.partition("::")[0]
    return any(path == each or path.startswith(f"{each}/") for each in paths)
