"""The `Authorization` header, as all who read it understand it."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from observability.authorization import credentials_of


@pytest.mark.parametrize(
    ("header", "credentials"),
    [
        ("Bearer abc", ("bearer", "abc")),
        ("bEARER  abc ", ("bearer", "abc")),
        ("Basic a b", ("basic", "a b")),
        ("Bearer", ("bearer", "")),
        ("", ("", "")),
    ],
)
def test_the_scheme_is_in_lower_case_and_the_token_without_spaces_around_it(header, credentials):
    assert credentials_of(RequestFactory().get("/", headers={"Authorization": header})) == credentials


def test_a_request_without_the_header_has_no_credentials():
    assert credentials_of(RequestFactory().get("/")) == ("", "")
