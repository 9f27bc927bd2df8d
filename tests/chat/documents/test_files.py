"""Files as families send them: each is read whole, or what was not read of it is told."""

from __future__ import annotations

import pytest

from tests.chat.documents.files_table import PAGE, outcome_of
from tests.support.family_files import FILES


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_whole_or_its_unread_parts_are_told(name, tesseract):
    outcome = outcome_of(FILES[name])
    assert outcome.startswith("told") if FILES[name].told else outcome == "read whole"


def test_every_file_is_in_the_documentation():
    page = PAGE.read_text()
    assert [name for name in FILES if f"| {name} |" not in page] == []
