"""Knowledge entries in the admin: a form that editors understand, and a preview that nothing can hide in."""

from __future__ import annotations

import datetime as dt
from html.parser import HTMLParser

import pytest
from django.utils import timezone

from chat.models import KnowledgeEntry
from tests.chat.test_admin import member_of_staff

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
    return member_of_staff("view_knowledgeentry", "add_knowledgeentry", "change_knowledgeentry")


@pytest.fixture
def viewer():
    return member_of_staff("view_knowledgeentry", name="sacha")


def save(client, **changes):
    return client.post(f"{LIST}add/", ENTRY | changes)


def errors(answer):
    return answer.context["adminform"].form.errors


class Tags(HTMLParser):
    """What a browser would make of a piece of HTML: names of elements and of attributes, and where links lead."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.attributes, self.addresses = set(), set(), set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {value for name, value in attrs if name in {"href", "src"}}


def test_lists_are_written_one_a_line(editor):
    assert save(editor).status_code == 302
    entry = KnowledgeEntry.objects.get()
    assert entry.questions == ["Comment souffler un peu ?", "repit comment faire"]
    assert entry.keywords == ["répit", "aidants"]
    html = editor.get(f"{LIST}{entry.pk}/change/").content.decode()
    assert "Comment souffler un peu ?\nrepit comment faire</textarea>" in html


def test_an_entry_that_is_saved_as_it_was_has_not_changed(editor):
    save(editor)
    address = f"{LIST}{KnowledgeEntry.objects.get().pk}/change/"
    assert editor.post(address, ENTRY).status_code == 302
    history = editor.get(address.replace("change", "history")).content.decode()
    assert "No fields changed." in history


@pytest.mark.parametrize("questions", ["", " \r\n \r\n"])
def test_an_entry_without_a_question_is_refused(editor, questions):
    assert errors(save(editor, questions=questions)) == {"questions": ["Write at least one."]}


def test_an_entry_may_do_without_keywords(editor):
    assert save(editor, keywords="").status_code == 302
    assert KnowledgeEntry.objects.get().keywords == []


@pytest.mark.parametrize("address", ["http://www.cnsa.fr/", "ftp://www.cnsa.fr/"])
def test_a_source_without_https_is_refused(editor, address):
    (message,) = errors(save(editor, source_url=address))["source_url"]
    assert message in {"The address must begin with https://.", "Enter a valid URL."}


def test_a_source_written_without_its_scheme_is_taken_for_https(editor):
    save(editor, source_url="www.cnsa.fr")
    assert KnowledgeEntry.objects.get().source_url == "https://www.cnsa.fr"


def test_facts_checked_tomorrow_are_refused(editor):
    tomorrow = timezone.localdate() + dt.timedelta(days=1)
    assert errors(save(editor, checked_on=tomorrow.isoformat())) == {
        "checked_on": ["Facts can’t have been checked in the future."]
    }


def test_null_characters_are_refused_and_break_nothing(editor):
    assert list(errors(save(editor, questions="a\0b"))) == ["questions"]


def test_two_entries_of_one_language_have_two_slugs(editor):
    save(editor)
    assert "already exists" in str(errors(save(editor)))
    assert save(editor, language="en").status_code == 302


def test_the_list_can_be_narrowed_and_searched(viewer, editor):
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


def test_the_preview_is_the_markdown_as_people_will_see_it(viewer):
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
def test_nothing_can_hide_in_the_preview(viewer, editor, text):
    save(editor, text=text)
    saved = viewer.get(f"{LIST}{KnowledgeEntry.objects.get().pk}/change/").content.decode()
    for html in (viewer.post(PREVIEW, {"text": text}).content.decode(), _preview_in(saved)):
        tags = Tags(html)
        assert not tags.elements & {"script", "svg", "iframe", "style", "form", "object"}
        assert not {name for name in tags.attributes if name.startswith("on") or name == "style"}
        assert all(address.startswith(("https:", "http:", "tel:")) for address in tags.addresses)


def _preview_in(page):
    return page.partition('id="preview"')[2].partition(">")[2].partition("<fieldset")[0]


def test_the_preview_is_for_those_who_see_entries(viewer):
    assert member_of_staff(name="alix").post(PREVIEW, {"text": "x"}).status_code == 403
    assert viewer.get(PREVIEW).status_code == 405


def test_who_may_only_look_saves_nothing(viewer, editor):
    save(editor)
    entry = KnowledgeEntry.objects.get()
    assert viewer.post(f"{LIST}{entry.pk}/change/", ENTRY | {"title": "Autre"}).status_code == 403
    assert "Le répit" in viewer.get(f"{LIST}{entry.pk}/change/").content.decode()


def test_an_entry_that_a_file_would_overwrite_says_so(editor):
    save(editor)
    save(editor, slug="aeeh")
    own, bundled = (
        editor.get(f"{LIST}{entry.pk}/change/").content.decode()
        for entry in (KnowledgeEntry.objects.get(slug="repit-test"), KnowledgeEntry.objects.get(slug="aeeh"))
    )
    assert "manage.py load_knowledge" in bundled
    assert "manage.py load_knowledge" not in own
