"""The translations of both languages are complete, and the compiled catalogues match their sources."""

from __future__ import annotations

import gettext
import re
from typing import Any

import pytest

from tests.support.services import ROOT


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_message_is_translated_and_compiled(language):
    folder = ROOT / "chat" / "locale" / language / "LC_MESSAGES"
    written = (folder / "django.po").read_text()
    entries = re.findall(r'^msgid "(?!"\n\n)', written, re.MULTILINE)
    with (folder / "django.mo").open("rb") as file:
        translations: Any = gettext.GNUTranslations(file)
    compiled = translations._catalog
    singular = {key if isinstance(key, str) else key[0] for key in compiled}
    assert "#, fuzzy" not in written
    assert not re.search(r'^msgstr(\[\d\])? ""\n(?!")', written, re.MULTILINE)
    assert len(singular) == len(entries)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_text_has_a_straight_apostrophe_in_a_word(language):
    texts = texts_in(language)
    assert len(texts) > 80
    assert {name: found for name, text in texts.items() if (found := re.findall(r"\w+'\w+", text))} == {}


def test_french_signs_have_a_space_that_does_not_break():
    space_that_breaks = re.compile(r".{,12}(?<=[\w»)\]%*}’”]) (?:[?!:;](?!\w)|»)|« .{,12}")
    found = {name: space_that_breaks.findall(text) for name, text in texts_in("fr").items()}
    assert {name: places for name, places in found.items() if places} == {}


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_translation_has_each_place_for_a_value_as_often_as_the_message(language):
    with (ROOT / "chat" / "locale" / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        translations: Any = gettext.GNUTranslations(file)
    texts = {key: text for key, text in translations._catalog.items() if isinstance(key, str) and key}
    assert {key: text for key, text in texts.items() if places_in(key) != places_in(text)} == {}


def places_in(text: str) -> list[str]:
    return sorted(re.findall(r"\{\w*\}", text))


def texts_in(language: str) -> dict[str, str]:
    """What people may read: the catalogue, the information pages, the articles and the help lines, by their files."""
    catalogue = (ROOT / "chat" / "locale" / language / "LC_MESSAGES" / "django.po").read_text()
    messages = re.findall(r'^msgstr(?:\[\d\])? ((?:".*"\n?)+)', catalogue, re.MULTILINE)[1:]
    texts = {"catalogue": "".join(messages)}
    for path in (ROOT / "templates" / "information" / language).glob("*.html"):
        texts[path.name] = re.sub(r"<[^>]*>|{%.*?%}", "", path.read_text())
    for path in (ROOT / "chat" / "knowledge_base" / language).glob("*.md"):
        # People's own words in the example questions stay as they are typed.
        texts[path.name] = re.sub(
            r"^(questions|keywords):.*(\n  - .*)*|https?://\S+", "", path.read_text(), flags=re.MULTILINE
        )
    lines = (ROOT / "chat" / "pipeline" / "help_lines.toml").read_text()
    texts["help_lines.toml"] = "\n".join(re.findall(rf"^{language} = (.*)$", lines, re.MULTILINE))
    return texts
