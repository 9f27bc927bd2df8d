"""What a secret looks like in a text: the log hides it, and it is no correlation id."""

from __future__ import annotations

import re

SECRET = re.compile(
    r"""
      (?P<credentials> (?<=://)[^/\s@]+(?=@) )
    | (?P<token>       \b(?i:bearer)\s+[\w.~+/=-]+ | \beyJ[\w-]+\.[\w.-]+ | \b(?:sk-|bff_)[\w-]{16,} )
    """,
    re.VERBOSE,
)
