"""`make conformance`: writes the answer that people get in each scenario into docs/conformance.md."""

from __future__ import annotations

import pytest

from tests.chat.upstream.conformance import PAGE, write_page
from tests.chat.upstream.test_conformance import outcomes

__all__ = ["outcomes"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.timeout(120)
def test_write_the_page(outcomes):
    PAGE.write_text(write_page(outcomes))
