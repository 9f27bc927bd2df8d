"""Both languages are complete, and what is compiled is what is written."""

from __future__ import annotations

import gettext
import re

import pytest

from tests.services import ROOT


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_message_is_translated_and_compiled(language):
    folder = ROOT / "chat" / "locale" / language / "LC_MESSAGES"
    written = (folder / "django.po").read_text()
    entries = re.findall(r'^msgid "(?!"\n\n)', written, re.MULTILINE)
    with (folder / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog
    singular = {key if isinstance(key, str) else key[0] for key in compiled}
    assert "#, fuzzy" not in written
    assert not re.search(r'^msgstr(\[\d\])? ""\n(?!")', written, re.MULTILINE)
    assert len(singular) == len(entries)
