"""Long work in small breaths: an index takes half a second to build, and under gevent nobody else would get a turn."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def breathing(items: Iterable[Item]) -> Iterator[Item]:
    """The items, with a turn for all other threads between them."""
    for item in items:
        time.sleep(0)
        yield item
