"""Reads the URL of a Redis as people write it.

    redis://[[user]:password@]host:port/db        rediss:// with TLS, unix:///path?db=0 for a socket
    redis+sentinel://[[user]:password@]host:port,host:port/service[/db][?sentinel_password=…]
    redis+cluster://[[user]:password@]host:port,host:port/0        rediss+cluster:// with TLS

A Sentinel URL lists the sentinels and the service whose master they monitor. `user:password` is for the Redis servers,
`sentinel_password` for the sentinels. A Cluster URL lists some of the nodes; they name the others. In each, user and
password may also be the options `username` and `password`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qsl, quote, unquote, urlencode

from bff import addresses
from bff.addresses import Address
from bff.environment import FALSE, TRUE, InvalidValue

EXAMPLE = "redis://user:password@host:6379/0"
SENTINEL = "redis+sentinel"
CLUSTER, TLS_CLUSTER = CLUSTERS = ("redis+cluster", "rediss+cluster")
WITH_TLS = ("rediss", TLS_CLUSTER)
SCHEMES = ("redis", "rediss", "unix", SENTINEL, *CLUSTERS)
OTHER_SPELLINGS = {
    "valkey": "redis",
    "valkeys": "rediss",
    "redis+tls": "rediss",
    "redis+unix": "unix",
    "redis+socket": "unix",
    "sentinel": SENTINEL,
    "valkey+cluster": CLUSTER,
    "valkeys+cluster": TLS_CLUSTER,
}
# Options of the URL that connections take. Others – timeouts, sizes, `protocol` – are for this program to choose.
CONNECTION_OPTIONS = frozenset({"client_name", "health_check_interval"})
TLS_OPTIONS = frozenset(
    {"ssl_cert_reqs", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname"}
)
SENTINEL_OPTIONS = frozenset({"sentinel_password", "sentinel_username"})
CERTIFICATE_CHECKS = {"none": "none", "optional": "optional", "required": "required"}
CERTIFICATE_CHECKS |= {f"cert_{name}": name for name in CERTIFICATE_CHECKS}  # Celery's spelling


def normalized(text: str) -> str:
    """The URL as redis-py reads it, with its password encoded and only options that we use. Raises InvalidValue."""
    address = _with_credentials(_socket(text) if _is_socket(text) else addresses.split(text))
    scheme = OTHER_SPELLINGS.get(address.scheme, address.scheme)
    if scheme not in SCHEMES:
        raise InvalidValue(f"Its scheme is not one of {', '.join(f'{scheme}://' for scheme in SCHEMES)}.")
    scheme = _with_tls(scheme, address.query)
    query = _query(address, scheme)
    if scheme == "unix":
        database = query.pop("db", "") or "0"
        return _url("unix", address, quote(address.path), {"db": _database(database), **query})
    if not address.hosts:
        raise InvalidValue("Names no host.")
    if scheme == SENTINEL:
        return _sentinel_url(address, query)
    if len(address.hosts) > 1 and scheme not in CLUSTERS:
        raise InvalidValue(
            f"Names several hosts; sentinels have {SENTINEL}://host:port,host:port/service/0,"
            f" a cluster has {CLUSTER}://host:port,host:port/0."
        )
    database = _database(query.pop("db", "") or address.path.strip("/") or "0")
    if scheme in CLUSTERS and database != "0":
        raise InvalidValue("A cluster has only the database 0.")
    return _url(scheme, address, f"/{database}", query)


def shown(address: str) -> str:
    """The URL as it may be shown."""
    return re.sub(r"(sentinel_password=)[^&]*", r"\1***", re.sub(r"://([^:@/]*):[^@]*@", r"://\1:***@", address))


def with_client_name(address: str, name: str) -> str:
    """The same Redis under another URL: django-redis shares a pool, with its timeouts, between equal URLs."""
    base, _, query = address.partition("?")
    return f"{base}?{urlencode(dict(parse_qsl(query)) | {'client_name': name})}"


def _is_socket(text: str) -> bool:
    scheme = text.partition("://")[0].lower()
    return OTHER_SPELLINGS.get(scheme, scheme) == "unix"


def _socket(text: str) -> Address:
    """The parts of `unix://user:password@/path?db=0`."""
    credentials = r"(?:(?P<user>[^:@/]*)(?::(?P<password>.*))?@)?"
    match = re.fullmatch(rf"[^:]+://{credentials}(?P<path>/[^?#]+)(?:\?(?P<query>.*))?", text)
    if match is None:
        raise InvalidValue("Names no path of a socket: unix:///run/redis.sock?db=0.")
    user, password = unquote(match["user"] or ""), unquote(match["password"] or "")
    return Address("unix", user, password, (), unquote(match["path"]), dict(parse_qsl(match["query"] or "")))


def _with_credentials(address: Address) -> Address:
    """With the user and the password that stand in the query, where none stands before the host."""
    user, password = (address.query.get(name, "") for name in ("username", "password"))
    return replace(address, user=address.user or user, password=address.password or password)


def _with_tls(scheme: str, query: dict[str, str]) -> str:
    """The scheme, the one with TLS for `ssl=true`. Raises InvalidValue for what asks for TLS where there is none."""
    ssl = query.get("ssl", "false").lower()
    if ssl not in TRUE | FALSE:
        raise InvalidValue("Its option ssl is neither true nor false.")
    if ssl in TRUE and scheme in ("redis", CLUSTER):
        scheme = scheme.replace("redis", "rediss", 1)
    asking = [name for name in query if name.startswith("ssl") and (name != "ssl" or ssl in TRUE)]
    if asking and scheme not in WITH_TLS:
        raise InvalidValue(
            f"Its option {asking[0]} asks for TLS, which {scheme}:// does not have;"
            f" rediss://host:port/0 and {TLS_CLUSTER}://host:port,host:port/0 have it."
        )
    return scheme


def _query(address: Address, scheme: str) -> dict[str, str]:
    """The options that we use. An unknown one about TLS is not dropped: the connection would be less safe."""
    known = CONNECTION_OPTIONS | {"db"} | (TLS_OPTIONS if scheme in WITH_TLS else frozenset[str]())
    known |= SENTINEL_OPTIONS if scheme == SENTINEL else frozenset()
    query = {name: value for name, value in address.query.items() if name in known}
    for name in address.query:
        if name.startswith("ssl") and name not in TLS_OPTIONS | {"ssl"}:
            raise InvalidValue(f"Its option {name} is not known; those about TLS are {', '.join(sorted(TLS_OPTIONS))}.")
    if "ssl_cert_reqs" in query:
        check = query["ssl_cert_reqs"].lower()
        if check not in CERTIFICATE_CHECKS:
            raise InvalidValue("Its option ssl_cert_reqs is none of: required, optional, none.")
        query["ssl_cert_reqs"] = CERTIFICATE_CHECKS[check]
    if not query.get("health_check_interval", "0").isdigit():
        raise InvalidValue("Its option health_check_interval is not a whole number of seconds.")
    return query


def _database(text: str) -> str:
    if not text.isascii() or not text.isdigit():
        raise InvalidValue("Its database, after the host's slash, is not a number such as 0.")
    return str(int(text))


def _sentinel_url(address: Address, query: dict[str, str]) -> str:
    service, _, database = address.path.strip("/").partition("/")
    if not re.fullmatch(r"[A-Za-z0-9._-]+", service):
        raise InvalidValue(f"Names no service: {SENTINEL}://host:port,host:port/service/0.")
    return _url(SENTINEL, address, f"/{service}/{_database(query.pop('db', '') or database or '0')}", query)


def _url(scheme: str, address: Address, path: str, query: dict[str, str]) -> str:
    hosts = ",".join(addresses.in_url(host, port) for host, port in address.hosts)
    return f"{scheme}://{address.credentials}{hosts}{path}" + (f"?{urlencode(query)}" if query else "")
