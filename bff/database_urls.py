"""Translates DATABASE_URL to an entry of Django's DATABASES: PostgreSQL, or SQLite for development.

The URL may have options of other programs. Options of libpq are passed on, those of others, such as Prisma's
`pgbouncer=true`, are dropped, and synonyms are translated.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import Any
from urllib.parse import quote, unquote

from psycopg.pq import Conninfo

from bff import addresses
from bff.addresses import Address
from bff.environment import InvalidValue

EXAMPLE = "postgresql://user:password@host:5432/name?sslmode=require"
POSTGRESQL = frozenset({"postgresql", "postgres", "pgsql", "psql"})
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
SSL_MODE_NAMES = ("sslmode", "ssl")  # the first wins
# As Node's and Prisma's drivers, and JDBC, write them.
OTHER_SSL_MODES = {"no-verify": "require", "true": "require", "1": "require", "false": "disable", "0": "disable"}
OTHER_NAMES = {"schema": "currentSchema", "search_path": "currentSchema", "sslcrl_dir": "sslcrldir"}
# Set by this program (bff/settings.py), or given in the address itself.
NOT_FROM_OPTIONS = frozenset({"connect_timeout", "tcp_user_timeout", "user", "password", "dbname", "service"})
_SQLITE = re.compile(r"sqlite://(?:/([^?#]*)|:memory:)?")


def parse(text: str) -> dict[str, Any]:
    """An entry of DATABASES. Raises InvalidValue."""
    text = text.removeprefix("jdbc:")
    if text.startswith("sqlite:"):
        return _sqlite(text)
    address = addresses.split(text)
    if address.scheme.partition("+")[0] not in POSTGRESQL:  # postgresql+psycopg: SQLAlchemy's
        raise InvalidValue("Its scheme is neither postgresql:// nor sqlite:///.")
    name = address.path.strip("/")
    if not name:
        raise InvalidValue("Names no database after its host: …@host:5432/name.")
    options = _options(address)
    if len(address.hosts) > 1 or "," in options.get("host", ""):
        options.setdefault("target_session_attrs", "read-write")  # the first that answers may be a standby
    if schema := options.pop("currentSchema", ""):
        options["options"] = f"{options.get('options', '')} -c search_path={schema}".strip()
    ports = {port for _, port in address.hosts}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": address.user or address.query.get("user", ""),
        "PASSWORD": address.password or address.query.get("password", ""),
        "HOST": ",".join(host for host, _ in address.hosts),
        # libpq takes one port for all hosts, or one for each.
        "PORT": "" if ports <= {None} else ",".join(str(port or 5432) for _, port in address.hosts),
        "OPTIONS": options,
    }


def shown(config: dict[str, Any]) -> str:
    """The database without its password."""
    if "sqlite3" in config["ENGINE"]:
        return f"sqlite:///{quote(config['NAME'], safe='/:')}"
    user = f"{config['USER']}@" if config["USER"] else ""
    hosts, ports = config["HOST"].split(","), config["PORT"].split(",")
    places = ",".join(addresses.in_url(host, port) for host, port in zip_longest(hosts, ports, fillvalue=ports[0]))
    return f"postgresql://{user}{places}/{config['NAME']}"


def _sqlite(text: str) -> dict[str, Any]:
    match = _SQLITE.fullmatch(text)
    if match is None:
        raise InvalidValue("Is not like sqlite:////absolute/path.sqlite3.")
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": unquote(match[1] or ":memory:"), "OPTIONS": {}}


def _options(address: Address) -> dict[str, str]:
    """The options that libpq knows. An unknown one about TLS is not left out: the connection would be less safe."""
    known = {option.keyword.decode() for option in Conninfo.get_defaults()} | {"currentSchema"}
    options = {}
    if mode := _ssl_mode(address.query):
        options["sslmode"] = mode
    for name, value in address.query.items():
        name = OTHER_NAMES.get(name, name)  # noqa: PLW2901
        if name in SSL_MODE_NAMES:
            continue
        if name in known and name not in NOT_FROM_OPTIONS:
            options[name] = value
        elif name.startswith("ssl") and name != "sslaccept":  # Prisma's, about its own engine
            raise InvalidValue(f"Its option {name} is not known to PostgreSQL's clients.")
    return options


def _ssl_mode(query: dict[str, str]) -> str | None:
    """The `sslmode`, else what `ssl` asks for.

    Raises InvalidValue if one needs TLS, or its checks, and the other does not.
    """
    named = [query[name].lower() for name in SSL_MODE_NAMES if name in query]
    modes = [OTHER_SSL_MODES.get(value, value) for value in named]
    if not set(modes) <= set(SSL_MODES):
        raise InvalidValue(f"Its option sslmode is none of: {', '.join(SSL_MODES)}.")
    if len(modes) == 2 and _contradict(*modes):
        raise InvalidValue("Its options ssl and sslmode contradict each other; leave out ssl.")
    return modes[0] if modes else None


def _contradict(sslmode: str, ssl: str) -> bool:
    strictness, asked, tls = (SSL_MODES.index(mode) for mode in (sslmode, ssl, "require"))
    is_weaker = asked >= tls and strictness < asked
    return is_weaker or (ssl == "disable" and strictness >= tls)
