"""Knowledge entries in the admin: the form, its validation and the safe preview."""

from __future__ import annotations

import datetime as dt
from html.parser import HTMLParser

import pytest
from django.utils import timezone

from chat.models import KnowledgeEntry
from tests.chat.admin.test_admin import staff_client

pytestmark = pytest.mark.django_db

LIST = "/admin/chat/knowledgeentry/"
PREVIEW = f"{LIST}preview/"

ENTRY = {
    "title": "Le répit",
    "slug": "repit-test",
    "language": "fr",
    "topic": "quotidien",
    "enabled": "on",
    "text": "Du **repos** pour vous.",
    "questions": "Comment souffler un peu ?\r\n\r\n  repit comment faire  \r\n",
    "keywords": "répit\naidants",
    "source_name": "CNSA",
    "source_url": "https://www.cnsa.fr/",
    "checked_on": "2025-04-01",
}


@pytest.fixture
def editor():
    return staff_client("view_knowledgeentry", "add_knowledgeentry", "change_knowledgeentry")


@pytest.fixture
def viewer():
    return staff_client("view_knowledgeentry", name="sacha")


def save(client, **changes):
    return client.post(f"{LIST}add/", ENTRY | changes)


def form_errors(response):
    return response.context["adminform"].form.errors


class Tags(HTMLParser):
    """Parses HTML as a browser would: the names of elements and attributes, and the targets of links and images."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.attributes, self.addresses = set(), set(), set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {value for name, value in attrs if name in {"href", "src"}}


def test_lists_are_edited_one_item_per_line(editor):
    assert save(editor).status_code == 302
    entry = KnowledgeEntry.objects.get()
    assert entry.questions == ["Comment souffler un peu ?", "repit comment faire"]
    assert entry.keywords == ["répit", "aidants"]
    html = editor.get(f"{LIST}{entry.pk}/change/").content.decode()
    assert "Comment souffler un peu ?\nrepit comment faire</textarea>" in html


def test_saving_an_unchanged_entry_reports_no_change(editor):
    save(editor)
    address = f"{LIST}{KnowledgeEntry.objects.get().pk}/change/"
    assert editor.post(address, ENTRY).status_code == 302
    history = editor.get(address.replace("change", "history")).content.decode()
    assert "No fields changed." in history


@pytest.mark.parametrize("questions", ["", " \r\n \r\n"])
def test_an_entry_without_a_question_is_rejected(editor, questions):
    assert form_errors(save(editor, questions=questions)) == {"questions": ["Write at least one."]}


def test_keywords_are_optional(editor):
    assert save(editor, keywords="").status_code == 302
    assert KnowledgeEntry.objects.get().keywords == []


@pytest.mark.parametrize("address", ["http://www.cnsa.fr/", "ftp://www.cnsa.fr/"])
def test_a_source_url_without_https_is_rejected(editor, address):
    (message,) = form_errors(save(editor, source_url=address))["source_url"]
    assert message in {"The address must begin with https://.", "Enter a valid URL."}


def test_a_source_url_without_scheme_becomes_https(editor):
    save(editor, source_url="www.cnsa.fr")
    assert KnowledgeEntry.objects.get().source_url == "https://www.cnsa.fr"


def test_a_future_check_date_is_rejected(editor):
    tomorrow = timezone.localdate() + dt.timedelta(days=1)
    assert form_errors(save(editor, checked_on=tomorrow.isoformat())) == {
        "checked_on": ["Facts can’t have been checked in the future."]
    }


def test_null_characters_are_rejected(editor):
    assert list(form_errors(save(editor, questions="a\0b"))) == ["questions"]


def test_slugs_are_unique_per_language(editor):
    save(editor)
    assert "already exists" in str(form_errors(save(editor)))
    assert save(editor, language="en").status_code == 302


def test_the_list_can_be_filtered_and_searched(viewer, editor):
    save(editor)
    save(editor, slug="aesh-test", title="Les AESH", topic="ecole", text="x", keywords="", questions="À quel âge ?")

    def shown(query):
        html = viewer.get(LIST + query).content.decode()
        return {title for title in ("Le répit", "Les AESH") if title in html}

    assert shown("") == {"Le répit", "Les AESH"}
    assert shown("?topic__exact=ecole") == {"Les AESH"}
    assert shown("?language__exact=en") == set()
    assert shown("?q=souffler") == {"Le répit"}
    assert shown("?q=répit") == {"Le répit"}
    assert shown("?q=à+quel+âge") == {"Les AESH"}
    assert shown("?q=REPIT") == {"Le répit"}
    assert shown("?q=a+quel+age") == {"Les AESH"}
    assert shown("?q=sôuffl") == {"Le répit"}
    assert shown("?q=repit+aesh") == set()
    assert "April 1, 2025" in viewer.get(LIST).content.decode()


def test_the_preview_renders_markdown(viewer):
    html = viewer.post(PREVIEW, {"text": "## Titre\n\n- **un**\n- [CAF](https://www.caf.fr/)"}).content.decode()
    assert "<h2>Titre</h2>" in html
    assert "<li><strong>un</strong></li>" in html
    assert 'href="https://www.caf.fr/"' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt&colon;alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](javascript:alert(1))",
        '[x](https://a.example/"onmouseover="alert(1))',
        "<iframe src=https://a.example></iframe>",
        "<style>*{display:none}</style>",
        "```\n</code></pre><script>alert(1)</script>\n```",
        "<https://a.example/?<script>>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    ],
)
def test_the_preview_contains_no_active_content(viewer, editor, text):
    save(editor, text=text)
    saved = viewer.get(f"{LIST}{KnowledgeEntry.objects.get().pk}/change/").content.decode()
    for html in (viewer.post(PREVIEW, {"text": text}).content.decode(), _preview_in(saved)):
        tags = Tags(html)
        assert not tags.elements & {"script", "svg", "iframe", "style", "form", "object"}
        assert not {name for name in tags.attributes if name.startswith("on") or name == "style"}
        assert all(address.startswith(("https:", "http:", "tel:")) for address in tags.addresses)


def _preview_in(page):
    return page.partition('id="preview"')[2].partition(">")[2].partition("<fieldset")[0]


def test_the_preview_needs_permission_and_post(viewer):
    assert staff_client(name="alix").post(PREVIEW, {"text": "x"}).status_code == 403
    assert viewer.get(PREVIEW).status_code == 405


def test_a_user_with_view_permission_alone_cannot_save(viewer, editor):
    save(editor)
    entry = KnowledgeEntry.objects.get()
    assert viewer.post(f"{LIST}{entry.pk}/change/", ENTRY | {"title": "Autre"}).status_code == 403
    assert "Le répit" in viewer.get(f"{LIST}{entry.pk}/change/").content.decode()


def test_an_entry_that_a_bundled_file_would_overwrite_has_a_warning(editor):
    save(editor)
    save(editor, slug="aeeh")
    own, bundled = (
        editor.get(f"{LIST}{entry.pk}/change/").content.decode()
        for entry in (KnowledgeEntry.objects.get(slug="repit-test"), KnowledgeEntry.objects.get(slug="aeeh"))
    )
    assert "manage.py load_knowledge" in bundled
    assert "manage.py load_knowledge" not in own
