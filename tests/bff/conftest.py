from __future__ import annotations

from collections.abc import Iterator

import pytest

from bff import auth
from bff.tokens import TokenVerifier
from tests.bff.supabase import SECRET, Project


@pytest.fixture(scope="session")
def _project() -> Iterator[Project]:
    running = Project()
    yield running
    running.close()


@pytest.fixture
def project(_project: Project, settings, monkeypatch) -> Project:
    """The Supabase project whose tokens are accepted, as it is before anything happened to it."""
    _project.published, _project.is_away, _project.fetches = {"elliptic", "classic"}, False, 0
    settings.SUPABASE_URL, settings.SUPABASE_JWT_SECRET = _project.url, SECRET
    monkeypatch.setattr(auth, "_verifier", TokenVerifier())
    return _project
