"""The chat page without JavaScript. tests/e2e tests it with JavaScript."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders

from chat.core.events import Delta, Finish, Source, Start
from chat.core.markdown import as_html
from chat.knowledge.knowledge_base import KnowledgeBase
from chat.pipeline.answer_stream import RunStream
from chat.upstream import breaker_registry
from tests.support.xss_payloads import HOSTILE

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_submitted_form_is_answered_in_the_page(visitor, ai):
    page = visitor.post("/", {"message": "Comment demander l'AEEH ?"}).content.decode()
    assert "AEEH" in page
    assert 'class="card"' in page
    assert len(visitor.get("/api/chat/conversations").json()["items"]) == 1


def test_an_outage_is_shown_in_the_page(visitor, ai, settings):
    settings.AI_MAX_ATTEMPTS = 1
    ai.fail("error")
    page = visitor.post("/", {"message": "Xyzzy plugh ?"}).content.decode()
    assert "0 800 360 360" in page


@pytest.mark.parametrize(("seconds", "phrase"), [(4000, "dans environ 2 heures"), (7800, "dans environ 3 heures")])
def test_the_notice_and_the_apology_name_the_same_time(visitor, ai, seconds, phrase):
    breaker_registry.get("chat").force("open", who="op", reason="maintenance", seconds=seconds)
    page = visitor.post("/", {"message": "Xyzzy plugh ?"}).content.decode()
    assert page.count(phrase) == 2


def test_an_invalid_message_is_answered_with_a_page(visitor, ai):
    assert visitor.post("/", {"message": "a" * 5000}).status_code == 200
    assert ai.calls == 0


def test_typed_markup_is_escaped(visitor, ai):
    expected = elements(visitor.post("/", {"message": "Bonjour"}).content.decode())
    for text in HOSTILE:
        page = visitor.post("/", {"message": f"Bonjour {text}"}).content.decode()
        assert elements(page) <= expected, text


def test_markup_in_an_answer_is_sanitised():
    for text in HOSTILE:
        assert elements(as_html(text)) <= {("a", "href"), ("a", "rel"), ("a", "https"), ("a", "")}, text


def test_the_page_has_the_language_of_the_browser(visitor):
    assert '<html lang="fr"' in visitor.get("/", headers={"Accept-Language": "fr"}).content.decode()
    assert '<html lang="en"' in visitor.get("/", headers={"Accept-Language": "en"}).content.decode()


@pytest.mark.parametrize(
    ("language", "readers", "sharing", "untrue"),
    [
        ("fr", "seules quelques personnes habilitées", "peut resservir", "pour vous seul"),
        ("en", "Only a few authorised people", "may serve again", "for you alone"),
    ],
)
def test_the_page_states_who_can_read_stored_conversations(visitor, language, readers, sharing, untrue):
    page = visitor.get("/", headers={"Accept-Language": language}).content.decode()
    assert readers in page
    assert sharing in page
    assert untrue not in page


def test_the_content_security_policy_allows_own_resources_only(visitor):
    policy = visitor.get("/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_an_unknown_page_has_a_branded_error_page(visitor):
    reply = visitor.get("/nowhere")
    assert reply.status_code == 404
    assert "Repères" in reply.content.decode()


def test_robots_may_index_the_page_only(visitor):
    assert "Disallow: /api/" in visitor.get("/robots.txt").content.decode()


def test_an_error_page_shows_the_correlation_id(visitor):
    reply = visitor.get("/nowhere", headers={"X-Correlation-ID": "req-quoted"})
    assert "req-quoted" in reply.content.decode()


def test_a_server_error_page_shows_the_correlation_id(visitor, monkeypatch):
    monkeypatch.setattr(KnowledgeBase, "openers", lambda *args, **options: 1 / 0)
    reply = visitor.get("/", headers={"X-Correlation-ID": "req-quoted"})
    assert reply.status_code == 500
    assert "req-quoted" in reply.content.decode()
    assert "Repères" in reply.content.decode()


def test_the_page_is_compressed_and_api_responses_are_not(visitor):
    assert visitor.get("/", headers={"Accept-Encoding": "gzip"})["Content-Encoding"] == "gzip"
    api = visitor.get("/api/nowhere", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in api
    assert api.json()["status"] == 404


def test_the_icons_and_the_preview_picture_exist(visitor):
    page = visitor.get("/").content.decode()
    manifest = json.loads(Path(finders.find("chat/manifest.webmanifest") or "").read_text())
    pictures = [icon["src"] for icon in manifest["icons"]] + ["social.png", "icon.svg"]
    assert all(finders.find(f"chat/{picture}") for picture in pictures)
    assert 'property="og:image" content="http://testserver/static/chat/social.png"' in page
    assert visitor.get("/favicon.ico")["Location"] == "/static/chat/icon-180.png"


def test_help_lines_in_an_answer_are_telephone_links(visitor, ai):
    page = visitor.post("/", {"message": "Je n'en peux plus"}).content.decode()
    assert '<a href="tel:15"' in page.partition('class="prose"')[2]


def elements(page):
    """All elements with the names of their attributes and the URL schemes of their links."""
    found: set[Any] = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.update((tag, name) for name, _ in attrs)
            found.update((tag, urlsplit(value).scheme) for name, value in attrs if name in {"href", "src"})

    Reader().feed(page)
    return found


def test_without_script_a_citation_leads_to_the_source_that_it_names(visitor, ai, monkeypatch):
    text = "Deux aides existent [2]. La demande se fait à la MDPH [3], et rien ne dit [1] le contraire [15]."
    sources = [Source(number, f"Title {number}", f"https://example.org/{number}") for number in ("3", "2")]
    events = [Start(), Delta(text), *sources, Finish("ai")]
    monkeypatch.setattr(RunStream, "read", lambda self, *_, **__: iter([events]))
    page = visitor.post("/", {"message": "Quelles aides ?"}).content.decode()
    prose = page.partition('class="prose"')[2].partition("</section>")[0]
    assert re.findall(r'href="(#source-\d+)"', prose) == ["#source-2", "#source-3"]
    assert re.findall(r'href="https://example.org/(\d)"[^>]* id="source-(\d+)"', prose) == [("2", "2"), ("3", "3")]
    assert "[1]" in prose
    assert "[15]" in prose


def test_without_script_help_comes_before_the_notice_of_an_outage(visitor, ai):
    ai.fail("error", status=400)
    page = visitor.post("/", {"message": "Je veux en finir, je n'en peux plus."}).content.decode()
    before, _, after = page.partition('class="prose"')
    assert 'class="notice"' not in before.partition('class="answer"')[2]
    assert 'class="notice"' in after.partition("<template")[0]


def test_without_script_links_are_those_of_the_script(visitor, ai, monkeypatch):
    knowledge_base_number, unknown = "32 30", "[ici](tel:0899123456) ou au 08 99 12 34 56"
    text = f"Appelez {knowledge_base_number}, {unknown}.\n\n[caf.fr](https://evil.example/) et [admin](/admin/)"
    disguised = Source("2", "Title", "https://caf.fr@evil.example/")
    events = [Start(), Delta(text), disguised, Finish("ai")]
    monkeypatch.setattr(RunStream, "read", lambda self, *_, **__: iter([events]))
    page = visitor.post("/", {"message": "Quelles aides ?"}).content.decode()
    prose = page.partition('class="prose"')[2].partition("</section>")[0]
    assert re.findall(r'href="([^"]+)"', prose) == ["tel:3230", "https://evil.example/"]
    assert "caf.fr</a> (evil.example)" in prose


def test_the_number_for_text_messages_is_not_called(visitor, ai):
    assert 'href="sms:114"' in visitor.get("/").content.decode()
    ai.fail("error", status=400)
    page = visitor.post("/", {"message": "Xyzzy plugh ?"}).content.decode()
    prose = page.partition('class="prose"')[2]
    assert 'href="sms:114"' in prose
    assert "tel:114" not in page


def form_of(page: str) -> dict[str, str]:
    """The hidden fields of the composer's form, which name the question, and the conversation if there is one."""
    composer = page[page.index('id="composer"') :]
    return dict(re.findall(r'<input type="hidden" name="(conversation|id)" value="([^"]+)"', composer))


def questions_of(visitor) -> list[str]:
    items = visitor.get("/api/chat/history").json()["items"]
    return [item["text"] for item in items if item["role"] == "user"]


def test_a_page_that_is_loaded_again_does_not_ask_again(visitor, ai):
    first = {"message": "Comment demander l'AEEH ?", **form_of(visitor.get("/").content.decode())}
    page = visitor.post("/", first).content.decode()
    assert form_of(visitor.post("/", first).content.decode())["conversation"] == first["id"]
    assert ai.calls == 1

    second = {"message": "Et combien de temps ?", **form_of(page)}
    visitor.post("/", second)
    visitor.post("/", second)

    assert questions_of(visitor) == [first["message"], second["message"]]
    assert len(visitor.get("/api/chat/conversations").json()["items"]) == 1


def test_the_same_question_asked_once_more_and_another_one_after_back_are_new(visitor, ai):
    form = form_of(visitor.get("/").content.decode())
    page = visitor.post("/", {"message": "Bonjour", **form}).content.decode()
    visitor.post("/", {"message": "Bonjour", **form_of(page)})
    visitor.post("/", {"message": "Qu'est-ce que la PCH ?", **form})
    assert questions_of(visitor) == ["Bonjour", "Bonjour", "Qu'est-ce que la PCH ?"]


@pytest.mark.parametrize("form", [{}, {"conversation": "", "id": ""}, {"id": "é" * 90, "conversation": "c"}])
def test_a_form_without_usable_ids_is_answered(visitor, ai, form):
    page = visitor.post("/", {"message": "Comment demander l'AEEH ?", **form}).content.decode()
    assert 'class="card"' in page


def test_the_service_worker_is_another_one_when_a_file_of_the_page_is(client, tmp_path, monkeypatch):
    first = client.get("/service-worker.js")
    folder = tmp_path / "chat"
    shutil.copytree(Path(str(finders.find("chat/service_worker.js"))).parent, folder)
    monkeypatch.setattr(finders, "find", lambda name: str(tmp_path / name))
    assert client.get("/service-worker.js").content == first.content
    (folder / "style.css").write_text("main {}")

    changed = client.get("/service-worker.js")

    assert first["Content-Type"] == changed["Content-Type"] == "text/javascript; charset=utf-8"
    assert first.content.startswith((folder / "service_worker.js").read_bytes())
    assert changed.content != first.content
