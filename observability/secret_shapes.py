"""What a secret looks like in a text: the log hides it, and it is no correlation id."""

from __future__ import annotations

import re

# Names of metrics and databases begin with `bff_`, too, but are shorter than an API key.
SECRET = re.compile(
    r"""
      (?P<credentials> (?<=://)[^/\s@]+(?=@) )
    | (?P<token>       \b(?i:bearer)\s+[\w.~+/=-]+ | \beyJ[\w-]+\.[\w.-]+ | \b(?:sk-[\w-]{16,}|bff_[\w-]{40,}) )
    """,
    re.VERBOSE,
)
