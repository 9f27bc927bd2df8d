"""The layers that the benchmarks remove still exist in the program."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from benchmarks.systems import stripped_app


@pytest.mark.parametrize("path", [path for paths in stripped_app.FUNCTIONS.values() for path in paths])
def test_a_removed_function_exists(path):
    owner, _, name = path.rpartition(".")
    assert callable(getattr(stripped_app.resolve(owner), name))


@pytest.mark.parametrize("part", [part for parts in stripped_app.MIDDLEWARES.values() for part in parts])
def test_a_removed_middleware_exists(part):
    assert any(part in name for name in settings.MIDDLEWARE)


def test_the_fixed_caller_is_a_user():
    assert import_string("benchmarks.systems.stripped_app.FixedCaller")(lambda request: None).caller.kind == "user"
