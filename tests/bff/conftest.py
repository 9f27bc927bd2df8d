from __future__ import annotations

from collections.abc import Iterator

import pytest

from bff.identity import middleware
from bff.identity.jwt_verifier import TokenVerifier
from tests.support.supabase import SECRET, Project


@pytest.fixture(scope="session")
def _project() -> Iterator[Project]:
    project = Project()
    yield project
    project.close()


@pytest.fixture
def project(_project: Project, settings, monkeypatch) -> Project:
    """The Supabase project whose tokens are accepted, in its initial state."""
    _project.published, _project.is_unavailable, _project.fetches = {"elliptic", "classic"}, False, 0
    settings.SUPABASE_URL, settings.SUPABASE_JWT_SECRET = _project.url, SECRET
    monkeypatch.setattr(middleware, "_verifier", TokenVerifier())
    return _project
