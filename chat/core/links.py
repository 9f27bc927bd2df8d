"""Links in answers: which ones are allowed, and the target to show if the link text names another one.

The page's scripts do the same (chat/static/chat/markdown.js).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from ipaddress import IPv4Address
from urllib.parse import urlsplit

from chat.core import unicode_text
from chat.core.phone_numbers import dialled

# A host of plain letters: others may look like those of another name. No user before it, no address without scheme.
_WEB = re.compile(r"https?://(?![^/?#]*xn--)[a-z0-9.-]+(?::\d+)?(?:[/?#].*)?", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"(?:tel|sms):(\+?[\d\s().-]+)", re.IGNORECASE | re.ASCII)
_SOURCE = re.compile(r"#source-\d{1,2}")  # a citation's anchor in the page without scripts
_INVISIBLE = frozenset({"Cf", "Mn", "Me"})  # zero-width characters, and marks on the letter before
_HOST_IN_WORDS = re.compile(r"(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}")


def is_allowed(address: str, numbers: Container[str] = ()) -> bool:
    """Whether a link may lead there: to a web page, with its whole address, one of these numbers or a cited source."""
    if number := _NUMBER.fullmatch(address):
        return dialled(number[1]) in numbers
    return bool((_WEB.fullmatch(address) and _is_possible(address)) or _SOURCE.fullmatch(address))


def _is_possible(address: str) -> bool:
    """Whether a browser takes this address: a host that ends in a number must be an IPv4 address."""
    parts = urlsplit(address)
    host = (parts.hostname or "").removesuffix(".")
    try:
        _ = parts.port  # raises ValueError above 65535
        if host.rpartition(".")[2].isdecimal():
            IPv4Address(host)
    except ValueError:
        return False
    return True


def destination(address: str, words: str) -> str:
    """Shown after a link's text: its host if the text names another one, its number if missing there; else ""."""
    if number := _NUMBER.fullmatch(address):
        return "" if dialled(number[1]) in dialled(words) else number[1]
    host = _without_www(urlsplit(address).hostname or "")
    named = [_without_www(name.casefold()) for name in _HOST_IN_WORDS.findall(_as_read(words))]
    return "" if all(host == name or host.endswith(f".{name}") for name in named) else host


def _as_read(words: str) -> str:
    """The words as a reader takes them: any kind of full stop is a point, and what can't be seen is not there."""
    plain = unicode_text.normalize("NFKC", words).replace("\u3002", ".")
    return "".join(character for character in plain if unicodedata.category(character) not in _INVISIBLE)


def _without_www(host: str) -> str:
    return host.removeprefix("www.")
