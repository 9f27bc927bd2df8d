"""Parsers of the addresses in settings: web services, origins, host names, URLs (with a password of any characters)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from bff.environment import InvalidValue

_HOST = r"(?:\[[0-9a-fA-F:.]+(?:%25?\w+)?\]|[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?)"
_HOST_AND_PORT = re.compile(rf"({_HOST})(?::(\d{{1,5}}))?")
_HOSTS = rf"{_HOST}(?::\d{{1,5}})?(?:,{_HOST}(?::\d{{1,5}})?)*"
_URL = r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<user>[^:@/?#]*)(?::(?P<password>{any}))?@)?"
_REST = rf"(?P<hosts>(?:{_HOSTS})?)(?P<path>(?:/[^?#@]*)?)(?:\?(?P<query>[^#]*))?"
# The usual form first. Only what doesn't have it may have a password with "@", "/", "?" or "#" as they are.
_FORMS = (
    re.compile(_URL.format(any=r"[^@/?#]*") + _REST),
    re.compile(_URL.format(any=r".*") + _REST),
)


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of `scheme://user:password@host:port,host:port/path?query`, decoded. A port is None if not given."""

    scheme: str
    user: str
    password: str
    hosts: tuple[tuple[str, int | None], ...]
    path: str
    query: dict[str, str]

    @property
    def credentials(self) -> str:
        """User and password with @, for a URL; empty without either."""
        if not (self.user or self.password):
            return ""
        password = f":{quote(self.password, safe='')}" if self.password else ""
        return f"{quote(self.user, safe='')}{password}@"


def split(text: str) -> Address:
    """The parts of a URL whose password may have any characters, encoded or not. Raises InvalidValue."""
    match = next(filter(None, (form.fullmatch(text) for form in _FORMS)), None)
    if match is None:
        raise InvalidValue(_what_is_wrong(text))
    parts = match.groupdict()
    if re.fullmatch(r"\[.*\]|<.*>", parts["password"] or ""):
        raise InvalidValue("Its password is still in the brackets of a template: leave them out, or write %5B and %5D.")
    hosts = tuple(_host_and_port(host) for host in parts["hosts"].split(",")) if parts["hosts"] else ()
    query = dict(parse_qsl(parts["query"] or "", keep_blank_values=True))
    user, password = _decoded(parts["user"] or ""), _decoded(parts["password"] or "")
    return Address(parts["scheme"].lower(), user, password, hosts, _decoded(parts["path"]), query)


def _what_is_wrong(text: str) -> str:
    """Which part of the URL can't be read."""
    scheme, found, rest = text.partition("://")
    if not found or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return "Does not begin with a scheme and ://."
    place = re.split(r"[/?]", rest.rpartition("@")[2])[0]
    if not re.fullmatch(_HOSTS, place):
        without_port = place.rpartition(":")[0]
        if without_port and re.fullmatch(_HOST, without_port):
            return "Its port is not a number."
        if place.count(":") > 1:
            return "Its host is not a name or an address; an IPv6 address stands between [ and ]."
        return "Its host is not a name or an address. In a password, write # as %23, / as %2F, ? as %3F and @ as %40."
    return "The part after its host can't be read. In a password, write # as %23, / as %2F, ? as %3F and @ as %40."


def _host_and_port(text: str) -> tuple[str, int | None]:
    match = _HOST_AND_PORT.fullmatch(text)
    assert match is not None  # a part of _HOSTS
    host, port = match[1].strip("[]"), match[2]
    if port and not 1 <= int(port) <= 65535:
        raise InvalidValue("Its port is not between 1 and 65535.")
    return host, int(port) if port else None


def _decoded(text: str) -> str:
    """Percent-decoded. Text that is not validly encoded, such as a single %, is unchanged."""
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text


def in_url(host: str, port: int | str | None) -> str:
    """`host:port`, with the brackets of an IPv6 address."""
    return (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")


# --- Web addresses ----------------------------------------------------------------------------------------------------


def web_address(text: str) -> str:
    """The http or https address of a service, without a slash at its end. Raises InvalidValue."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidValue("Its host or port can't be read; an IPv6 address stands between [ and ].") from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InvalidValue("Does not begin with https:// or http:// and a host.")
    if not re.fullmatch(_HOST, f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""):
        raise InvalidValue("Its host is not a name or an address.")
    if port == 0 or re.search(r"\s", text):
        raise InvalidValue("Has a space in it." if port != 0 else "Its port is not between 1 and 65535.")
    return text.rstrip("/")


def search_address(text: str) -> str:
    """The address of a search, with {id} in place of what is searched. Raises InvalidValue."""
    if "{id}" not in text:
        raise InvalidValue("Has no {id}, the place of the correlation id.")
    return web_address(text)


def supabase_project(text: str) -> str:
    """The address of a Supabase project; that of its sign-in or REST service is taken for it. Raises InvalidValue."""
    address = web_address(text).removesuffix("/auth/v1").removesuffix("/rest/v1").rstrip("/")
    if urlsplit(address).hostname in ("supabase.com", "app.supabase.com"):
        raise InvalidValue("Is the address of the dashboard, not of a project.")
    return address


def origin(text: str) -> str:
    """`https://app.example.org`, as browsers send it: lower case, no default port, no slash. Raises InvalidValue."""
    if text == "*":
        raise InvalidValue("* would let every site act with its visitors' cookies; name each origin.")
    parts = urlsplit(web_address(text.lower()))
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise InvalidValue("An origin is scheme, host and port alone, without a path.")
    default_port = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{in_url(parts.hostname or '', None if parts.port == default_port else parts.port)}"


def host_name(text: str) -> str:
    """A host name for ALLOWED_HOSTS, taken out of an address if need be. Raises InvalidValue."""
    host = text.lower().partition("://")[2] or text.lower()
    host = host.partition("/")[0]
    if re.fullmatch(r"[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*", host):
        return f"[{host}]"
    host = re.sub(r":\d+$", "", host)
    if host == "*" or re.fullmatch(_HOST, host.removeprefix("*").removeprefix(".")):
        return host if host == "*" else host.removeprefix("*").rstrip(".")
    raise InvalidValue("Is not a host name.")
