"""The page as a browser without JavaScript has it; tests/e2e has it with."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_form_is_answered_in_the_page(visitor, ai):
    page = visitor.post("/", {"message": "Comment demander l'AEEH ?"}).content.decode()
    assert "AEEH" in page
    assert 'class="card"' in page
    assert len(visitor.get("/api/chat/conversations").json()["items"]) == 1


def test_an_outage_is_told_in_the_page(visitor, ai, settings):
    settings.AI_ATTEMPTS = 1
    ai.fail("error")
    page = visitor.post("/", {"message": "Xyzzy plugh ?"}).content.decode()
    assert "0 800 360 360" in page


def test_what_cannot_be_read_is_said_kindly(visitor, ai):
    assert visitor.post("/", {"message": "a" * 5000}).status_code == 200
    assert ai.calls == 0


@pytest.mark.parametrize(
    "payload", ["<script>alert(1)</script>", "[x](javascript:alert(1))", '"><img src=x onerror=alert(1)>']
)
def test_nothing_typed_comes_back_alive(visitor, ai, payload):
    page = visitor.post("/", {"message": f"Bonjour {payload}"}).content.decode()
    assert "<script>alert" not in page
    assert 'href="javascript:' not in page
    assert "<img src=x" not in page


def test_the_page_speaks_both_languages(visitor):
    assert '<html lang="fr"' in visitor.get("/", headers={"Accept-Language": "fr"}).content.decode()
    assert '<html lang="en"' in visitor.get("/", headers={"Accept-Language": "en"}).content.decode()


def test_the_page_forbids_all_that_is_not_its_own(visitor):
    policy = visitor.get("/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_pages_that_are_not_there_are_branded_and_kind(visitor):
    reply = visitor.get("/nowhere")
    assert reply.status_code == 404
    assert "Repères" in reply.content.decode()


def test_robots_may_visit_the_page_alone(visitor):
    assert "Disallow: /api/" in visitor.get("/robots.txt").content.decode()
