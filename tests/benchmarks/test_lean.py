"""What the benchmarks leave out of the program is still there."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from benchmarks import lean


@pytest.mark.parametrize("path", [path for paths in lean.FUNCTIONS.values() for path in paths])
def test_function_that_is_left_out_exists(path):
    owner, _, name = path.rpartition(".")
    assert callable(getattr(lean.found(owner), name))


@pytest.mark.parametrize("part", [part for parts in lean.MIDDLEWARES.values() for part in parts])
def test_middleware_that_is_left_out_exists(part):
    assert any(part in name for name in settings.MIDDLEWARE)


def test_nobody_in_particular_is_a_caller():
    assert import_string("benchmarks.lean.Anybody")(lambda request: None).caller.kind == "user"
