"""The page as a browser without JavaScript has it; tests/e2e has it with."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders

from chat import views
from chat.markdown import as_html
from tests.hostile import HOSTILE

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


def test_nothing_typed_comes_back_alive(visitor, ai):
    usual = marks(visitor.post("/", {"message": "Bonjour"}).content.decode())
    for text in HOSTILE:
        page = visitor.post("/", {"message": f"Bonjour {text}"}).content.decode()
        assert marks(page) <= usual, text


def test_no_answer_comes_alive():
    for text in HOSTILE:
        assert marks(as_html(text)) <= {("a", "href"), ("a", "rel"), ("a", "https"), ("a", "")}, text


def test_the_page_speaks_both_languages(visitor):
    assert '<html lang="fr"' in visitor.get("/", headers={"Accept-Language": "fr"}).content.decode()
    assert '<html lang="en"' in visitor.get("/", headers={"Accept-Language": "en"}).content.decode()


@pytest.mark.parametrize(
    ("language", "who_reads", "who_shares", "untrue"),
    [
        ("fr", "seules quelques personnes habilitées", "peut resservir", "pour vous seul"),
        ("en", "Only a few authorised people", "may serve again", "for you alone"),
    ],
)
def test_the_page_says_who_can_read_what_is_kept(visitor, language, who_reads, who_shares, untrue):
    page = visitor.get("/", headers={"Accept-Language": language}).content.decode()
    assert who_reads in page
    assert who_shares in page
    assert untrue not in page


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


def test_an_error_page_can_be_quoted(visitor):
    reply = visitor.get("/nowhere", headers={"X-Correlation-ID": "req-quoted"})
    assert "req-quoted" in reply.content.decode()


def test_a_page_that_breaks_can_be_quoted_too(visitor, monkeypatch):
    monkeypatch.setattr(views.knowledge, "openers", lambda *args, **options: 1 / 0)
    reply = visitor.get("/", headers={"X-Correlation-ID": "req-quoted"})
    assert reply.status_code == 500
    assert "req-quoted" in reply.content.decode()
    assert "Repères" in reply.content.decode()


def test_the_page_travels_compressed_and_so_do_no_answers_of_the_api(visitor):
    assert visitor.get("/", headers={"Accept-Encoding": "gzip"})["Content-Encoding"] == "gzip"
    api = visitor.get("/api/nowhere", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in api
    assert api.json()["status"] == 404


def test_what_is_shared_and_put_on_a_home_screen_has_its_pictures(visitor):
    page = visitor.get("/").content.decode()
    manifest = json.loads(Path(finders.find("chat/manifest.webmanifest")).read_text())
    pictures = [icon["src"] for icon in manifest["icons"]] + ["social.png", "icon.svg"]
    assert all(finders.find(f"chat/{picture}") for picture in pictures)
    assert 'property="og:image" content="http://testserver/static/chat/social.png"' in page
    assert visitor.get("/favicon.ico")["Location"] == "/static/chat/icon-180.png"


def test_help_lines_in_an_answer_can_be_tapped(visitor, ai):
    page = visitor.post("/", {"message": "Je n'en peux plus"}).content.decode()
    assert '<a href="tel:15"' in page.partition('class="prose"')[2]


def marks(page):
    """Every element of a page with the names of its attributes, and by what means its links lead."""
    found = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.update((tag, name) for name, _ in attrs)
            found.update((tag, urlsplit(value).scheme) for name, value in attrs if name in {"href", "src"})

    Reader().feed(page)
    return found
