"""Ways in which people write their settings (environment, file, file of one secret), with the expected values.

Many are from public reports of projects of this kind. `{folder}` stands for the folder with the case's files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

KEY = "0123456789" * 5
JWT = "jwt-secret-" * 4
ANON_KEY = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.hunter2-hunter2-hunter2"


@dataclass(frozen=True)
class Case:
    """An environment, its .env file and other files; `expected` settings, or the `problems` that are reported."""

    env: dict[str, str] = field(default_factory=dict)
    dotenv: str | bytes = ""
    files: dict[str, str | bytes] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)  # by check_settings
    problems: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()  # must not be in the output


def of(env: dict[str, str], **expected: Any) -> Case:
    return Case(env, expected=expected)


def in_file(dotenv: str | bytes, **expected: Any) -> Case:
    return Case(dotenv=dotenv, expected=expected)


def wrong(name: str, value: str, problem: str, *withheld: str) -> Case:
    return Case({name: value}, problems=(f"{name}: ", problem), withheld=withheld)


POSTGRES = {"USER": "u", "PASSWORD": "p", "HOST": "db.example.org", "PORT": "5432", "NAME": "app"}

CASES = {
    # --- how the file is written
    "quotes": in_file(
        "AI_SERVICE_MODEL=\"gpt 4\"\nMETRICS_TOKEN='to#ken'\n", AI_SERVICE_MODEL="gpt 4", METRICS_TOKEN="to#ken"
    ),
    "export": in_file("export PORT=9001\nexport  WEB_WORKERS=3", PORT=9001, WEB_WORKERS=3),
    "comment after a value": in_file("PORT=9001   # the port\nLOG_LEVEL=info #x", PORT=9001, LOG_LEVEL="info"),
    "comment in place of a value": in_file("METRICS_TOKEN=   # what /metrics needs\n", METRICS_TOKEN=""),
    "# inside a value": in_file("METRICS_TOKEN=to#ken#\n", METRICS_TOKEN="to#ken#"),
    "spaces around =": in_file("PORT = 9001\nLOG_LEVEL =debug\n", PORT=9001, LOG_LEVEL="debug"),
    "CRLF": in_file(b"PORT=9001\r\nMETRICS_TOKEN=token\r\n", PORT=9001, METRICS_TOKEN="token"),
    "byte order mark": in_file(b"\xef\xbb\xbfPORT=9001\n", PORT=9001),
    "$ is a character": in_file("METRICS_TOKEN=a$PORT${HOME}$$\n", METRICS_TOKEN="a$PORT${HOME}$$"),
    "= in a value": in_file("METRICS_TOKEN=YWJj==\n", METRICS_TOKEN="YWJj=="),
    "no last newline, empty lines": in_file("\n\n#PORT=1\n  \nPORT=9001", PORT=9001),
    "empty in the file": in_file("PORT=\nLOG_FORMAT=''\n", PORT=8000, LOG_FORMAT="json"),
    "a line that is nothing": Case(dotenv="PORT=9001\n\nLOG_LEVEL: info\n", problems=("Line 3 is not NAME=value",)),
    "an unclosed quote": Case(
        dotenv="METRICS_TOKEN='hunter2\nPORT=1\n", problems=("Line 1 is not",), withheld=("hunter2",)
    ),
    "not UTF-8": Case(dotenv=b"METRICS_TOKEN=caf\xe9\n", problems=("Can't be read as text in UTF-8",)),
    "a NUL": Case(dotenv=b"PORT=9001\nOTHER=caf\x00\n", problems=("Can't be read as text in UTF-8",)),
    "UTF-16": Case(dotenv="PORT=9001\n".encode("utf-16-le"), problems=("Can't be read as text in UTF-8",)),
    "a misspelt file": Case({"ENV_FILE": "{folder}/missing"}, problems=("ENV_FILE: Names a file that doesn't exist",)),
    "the environment wins": Case(
        {"PORT": "9002"}, "PORT=9001\nWEB_WORKERS=3\n", expected={"PORT": 9002, "WEB_WORKERS": 3}
    ),
    "an empty variable doesn't win": Case({"PORT": ""}, "PORT=9001\n", expected={"PORT": 9001}),
    "a # that begins a comment": Case(
        dotenv="REDIS_URL=redis://:hunter2 #word@h:6379/0\n",
        problems=("REDIS_URL: ", "what follows a space and # is a comment"),
        withheld=("hunter2",),
    ),
    "backslashes between double quotes": Case(
        dotenv='LOG_FILE="C:\\new\\chat.log"\n',
        problems=("LOG_FILE: Has a line break", "single quotes", "Example: LOG_FILE=/var/log/chat-bff/chat-bff.log"),
    ),
    "a name of two lines": Case(dotenv="AI_COMPANY='Mistral\nFrance'\n", problems=("AI_COMPANY: Has a line break",)),
    "an invisible character": in_file("LOG_LEVEL=info\u00a0\nPORT=9001\u3000\n", LOG_LEVEL="info", PORT=9001),
    "a zero-width space": Case(
        dotenv="LOG_LEVEL=\u200binfo\nAI_SERVICE_MODEL=small\u200b-1\n",
        problems=("LOG_LEVEL: Has an invisible character (U+200B)", "AI_SERVICE_MODEL: Has an invisible character"),
    ),
    "quotes of a word processor": Case(
        dotenv="AI_SERVICE_MODEL=“small”\nMETRICS_TOKEN=‘hunter2’\n",
        problems=("AI_SERVICE_MODEL: Is enclosed in typographic quotes", "METRICS_TOKEN: Is enclosed"),
        withheld=("hunter2",),
    ),
    "a command that no shell has run": Case(
        {"SECRET_KEY": ""},
        'SECRET_KEY=$(python3 -c "import secrets; print(secrets.token_urlsafe(50))")\n',
        problems=("SECRET_KEY: Is a placeholder", "Example: SECRET_KEY=… – what this prints: python3 -c"),
    ),
    "variables that nothing has replaced": Case(
        {"METRICS_TOKEN": "$METRICS_TOKEN", "AI_SERVICE_MODEL": "{{ model }}"},
        "AI_SERVICE_API_KEY=${KEY}\n",
        problems=tuple(
            f"{name}: Is a placeholder" for name in ("METRICS_TOKEN", "AI_SERVICE_MODEL", "AI_SERVICE_API_KEY")
        ),
    ),
    "the example of the key, as it stands": Case(
        {"SECRET_KEY": '… – what this prints: python3 -c "import secrets; print(secrets.token_urlsafe(50))"'},
        problems=("SECRET_KEY: Has letters",),
    ),
    "a template's place": wrong("AI_SERVICE_API_KEY", "<your key>", "Is a placeholder"),
    "an old name": in_file("AI_ATTEMPTS=5\n", AI_MAX_ATTEMPTS=5),
    # --- quotes and spaces that the starter left in
    "docker --env-file keeps quotes": of(
        {"LOG_LEVEL": '"debug"', "METRICS_TOKEN": "'token'"}, LOG_LEVEL="debug", METRICS_TOKEN="token"
    ),
    "spaces around a value": of({"PORT": " 9001 ", "METRICS_TOKEN": "token\r"}, PORT=9001, METRICS_TOKEN="token"),
    "empty means unset": of(
        {"PORT": "", "LOG_LEVEL": " ", "ALLOWED_HOSTS": '""', "SUPABASE_URL": ""},
        PORT=8000,
        LOG_LEVEL="info",
        SUPABASE_URL="",
    ),
    # --- secrets in files
    "last newline of a secret": Case(
        {"METRICS_TOKEN_FILE": "{folder}/token"}, files={"token": "token\n"}, expected={"METRICS_TOKEN": "token"}
    ),
    "CRLF and BOM of a secret": Case(
        {"METRICS_TOKEN_FILE": "{folder}/token"},
        files={"token": b"\xef\xbb\xbftoken\r\n"},
        expected={"METRICS_TOKEN": "token"},
    ),
    "a file named in the file": Case(
        dotenv="METRICS_TOKEN_FILE={folder}/token\n", files={"token": "token"}, expected={"METRICS_TOKEN": "token"}
    ),
    "an empty secret file": Case(
        {"METRICS_TOKEN_FILE": "{folder}/token"}, files={"token": "\n"}, expected={"METRICS_TOKEN": ""}
    ),
    "a missing secret file": Case(
        {"METRICS_TOKEN_FILE": "{folder}/none"}, problems=("METRICS_TOKEN_FILE: Names a file that can't be read",)
    ),
    "a folder as secret file": Case(
        {"METRICS_TOKEN_FILE": "{folder}"}, problems=("METRICS_TOKEN_FILE: Names a file that can't be read",)
    ),
    "twice": Case(
        {"METRICS_TOKEN": "a", "METRICS_TOKEN_FILE": "{folder}/token"},
        files={"token": "b"},
        problems=("METRICS_TOKEN: Is set twice",),
    ),
    "a file in the environment wins": Case(
        {"METRICS_TOKEN_FILE": "{folder}/token"}, "METRICS_TOKEN=a\n", {"token": "b"}, {"METRICS_TOKEN": "b"}
    ),
    "two lines in a secret": Case(
        {"METRICS_TOKEN_FILE": "{folder}/token"},
        files={"token": "hunter2\nother"},
        problems=("METRICS_TOKEN: Has a line break",),
        withheld=("hunter2",),
    ),
    "a secret no header carries": wrong("AI_SERVICE_API_KEY", "clé-secrète", "that no header can carry", "clé"),
    "an unreadable key is reported once": Case(
        {"SECRET_KEY": "", "SECRET_KEY_FILE": "{folder}/none"},
        problems=("because 1 of its settings", "SECRET_KEY_FILE: "),
    ),
    "a public key in place of the secret": wrong("SUPABASE_JWT_SECRET", ANON_KEY, "Is itself a token", "hunter2"),
    "a key with its header": wrong("AI_SERVICE_API_KEY", "Bearer hunter2", "Begins with Bearer", "hunter2"),
    "a short key": wrong("SECRET_KEY", "hunter2", "Has 7 characters; it needs 32", "hunter2"),
    "former keys": Case(
        {"SECRET_KEY_FALLBACKS": f"{KEY}-1, {KEY}-2"},
        expected={"SECRET_KEY_FALLBACKS": [f"{KEY}-1", f"{KEY}-2"]},
        shown={"SECRET_KEY_FALLBACKS": "(set, withheld)"},
    ),
    "former keys with semicolons": wrong("SECRET_KEY_FALLBACKS", f"{KEY};{KEY}", "Has a space, a semicolon or", KEY),
    "a short former key": wrong("SECRET_KEY_FALLBACKS", f"{KEY},hunter2", "Item 2: Has 7 characters", "hunter2"),
    "no key": Case({"SECRET_KEY": ""}, problems=("SECRET_KEY: Is required",)),
    # --- words, numbers, lists
    "capitals": of(
        {
            "LOG_LEVEL": "INFO",
            "LOG_FORMAT": "JSON",
            "AI_SERVICE_PROTOCOL": "OpenAI",
            "ALLOW_ANONYMOUS": "FALSE",
            "SUPABASE_URL": "https://p.supabase.co",
        },
        LOG_LEVEL="info",
        LOG_FORMAT="json",
        AI_SERVICE_PROTOCOL="openai",
        ALLOW_ANONYMOUS=False,
    ),
    "another word for a level": of({"LOG_LEVEL": "WARN"}, LOG_LEVEL="warning"),
    "dependencies in any case": of(
        {"HEALTH_REQUIRED": " Supabase, AISERVICE ,"}, HEALTH_REQUIRED=["supabase", "aiService"]
    ),
    "no dependency": Case({"HEALTH_REQUIRED": "None"}, expected={"HEALTH_REQUIRED": []}),
    "no dependency and one": wrong("HEALTH_REQUIRED", "none,cache", "Has none beside others"),
    "a dependency that is none": wrong(
        "HEALTH_REQUIRED", "supabase,postgres", "Is not one of: supabase, aiService, cache"
    ),
    "spaces and quotes in a list": of(
        {"ALLOWED_HOSTS": "\"a.example.org\", 'b.example.org' ,"}, ALLOWED_HOSTS=["a.example.org", "b.example.org"]
    ),
    "a list as JSON": of(
        {"ALLOWED_HOSTS": '["a.example.org", "b.example.org"]'}, ALLOWED_HOSTS=["a.example.org", "b.example.org"]
    ),
    "a list in brackets": of(
        {"CORS_ALLOWED_ORIGINS": "[https://a.example.org, https://b.example.org,]", "ALLOWED_HOSTS": "[::1]"},
        CORS_ALLOWED_ORIGINS=["https://a.example.org", "https://b.example.org"],
        ALLOWED_HOSTS=["[::1]"],
    ),
    "semicolons in a list": wrong("HEALTH_REQUIRED", "supabase;cache", "Item 1: "),
    "spaces in a list": wrong(
        "ALLOWED_HOSTS", "a.example.org b.example.org", "Item 1: Is not a host name. Commas separate items"
    ),
    "the second of a list": wrong("CORS_ALLOWED_ORIGINS", "https://a.example.org,b.example.org", "Item 2: "),
    "hosts as addresses": of(
        {"ALLOWED_HOSTS": "https://Chat.example.org/,b.example.org:8000,*.c.example.org,::1,[::1]:80"},
        ALLOWED_HOSTS=["chat.example.org", "b.example.org", ".c.example.org", "[::1]"],
    ),
    "not a host": wrong("ALLOWED_HOSTS", "a b.example.org", "not a host name"),
    "origins as people write them": of(
        {"CORS_ALLOWED_ORIGINS": "https://App.example.org/, https://b.example.org:443 ,http://localhost:3000/"},
        CORS_ALLOWED_ORIGINS=["https://app.example.org", "https://b.example.org", "http://localhost:3000"],
    ),
    "every origin": wrong("CORS_ALLOWED_ORIGINS", "*", "name each origin"),
    "an origin without scheme": wrong("CORS_ALLOWED_ORIGINS", "app.example.org", "Does not begin with https://"),
    "an origin with a path": wrong("CORS_ALLOWED_ORIGINS", "https://app.example.org/chat", "without a path"),
    "a unit": wrong("AI_DEADLINE_CHAT", "30s", 'AI_DEADLINE_CHAT: "30s": Is not a number'),
    "a comma": wrong("BREAKER_FAILURE_RATE", "0,5", "written with a point"),
    "no number": wrong("AI_DEADLINE_CHAT", "nan", "Is not a number"),
    "infinity": wrong("CACHE_TTL_ANSWER", "inf", "Is not a whole number"),
    "out of range": wrong("PORT", "70000", "Must be 65535 or less"),
    "zero seconds": wrong("REDIS_TIMEOUT_SECONDS", "0", "Must be greater than 0"),
    "neither true nor false": wrong("ALLOW_ANONYMOUS", "maybe", "Is neither true nor false"),
    "a rate": of({"RATE_LIMIT_CHAT": "10 per hour"}, RATE_LIMIT_CHAT="10 per hour"),
    "several rates": wrong("RATE_LIMIT_CHAT", "10/minute;100/hour", "Has several rates; one is counted"),
    "a rate of nothing": wrong("RATE_LIMIT_CHAT", "0/minute", "would refuse everybody"),
    "a rate that is none": wrong("RATE_LIMIT_CHAT", "10", "Is not a number of requests per second"),
    "missing folders": Case(
        {"LOG_FILE": "{folder}/new/logs/chat.log", "PROMETHEUS_MULTIPROC_DIR": "{folder}/new/metrics/all"}
    ),
    "a log file in no folder": wrong("LOG_FILE", "/proc/nowhere/chat.log", "can't be written"),
    "metrics in no folder": wrong("PROMETHEUS_MULTIPROC_DIR", "/proc/metrics", "can't be created"),
    "a secret in the wrong place": wrong("PORT", "sk-hunter2-0123456789", "Is not a whole number", "hunter2"),
    # --- web addresses
    "slashes at the end": of(
        {"AI_SERVICE_URL": "https://ai.example.org/v1/", "SUPABASE_URL": "https://p.supabase.co/"},
        AI_SERVICE_URL="https://ai.example.org/v1",
        SUPABASE_URL="https://p.supabase.co",
    ),
    "Supabase's sign-in address": of(
        {"SUPABASE_URL": "https://p.supabase.co/auth/v1/"}, SUPABASE_URL="https://p.supabase.co"
    ),
    "Supabase's REST address": of(
        {"SUPABASE_URL": "https://p.supabase.co/rest/v1/"}, SUPABASE_URL="https://p.supabase.co"
    ),
    "Supabase's dashboard": wrong(
        "SUPABASE_URL", "https://supabase.com/dashboard/project/ref", "Is the address of the dashboard"
    ),
    "an AI on IPv6": of({"AI_SERVICE_URL": "http://[::1]:11434/v1"}, AI_SERVICE_URL="http://[::1]:11434/v1"),
    "an AI without scheme": wrong("AI_SERVICE_URL", "ai.example.org", "Does not begin with https://"),
    "an AI's port": wrong("AI_SERVICE_URL", "http://ai.example.org:x", "port can't be read"),
    "Supabase without scheme": wrong("SUPABASE_URL", "project.supabase.co", "Does not begin with https://"),
    # --- Redis
    "socket": of(
        {"REDIS_URL": "unix:///run/redis.sock?db=1"},
        REDIS_URL="unix:///run/redis.sock?db=1",
        BREAKER_REDIS_URL="unix:///run/redis.sock?db=1&client_name=breaker",
    ),
    "socket with a password": of(
        {"REDIS_URL": "unix://:p#@/@/run/redis.sock"}, REDIS_URL="unix://:p%23%40%2F@/run/redis.sock?db=0"
    ),
    "TLS": of(
        {"REDIS_URL": "rediss://u:p@redis.example.org:6380?ssl_cert_reqs=CERT_NONE"},
        REDIS_URL="rediss://u:p@redis.example.org:6380/0?ssl_cert_reqs=none",
    ),
    "TLS as an option": of(
        {"REDIS_URL": "redis://redis.example.org/0?ssl=true"}, REDIS_URL="rediss://redis.example.org/0"
    ),
    "RESP3 and timeouts": of(
        {"REDIS_URL": "redis://h:6379/0?protocol=3&socket_timeout=9&max_connections=10&decode_responses=true"},
        REDIS_URL="redis://h:6379/0",
    ),
    "no database": of({"REDIS_URL": "redis://h"}, REDIS_URL="redis://h/0"),
    "a database as option": of({"REDIS_URL": "redis://h:6379?db=3"}, REDIS_URL="redis://h:6379/3"),
    "Valkey": of({"REDIS_URL": "valkeys://h:6379/0"}, REDIS_URL="rediss://h:6379/0"),
    "Redis on IPv6": of({"REDIS_URL": "redis://:p@[::1]:6379/0"}, REDIS_URL="redis://:p@[::1]:6379/0"),
    "every sign in a Redis password": of(
        {"REDIS_URL": "redis://u:p#a/s@s?%:&w@h:6379/0"}, REDIS_URL="redis://u:p%23a%2Fs%40s%3F%25%3A%26w@h:6379/0"
    ),
    "an encoded Redis password": of(
        {"REDIS_URL": "redis://:p%23a%2Fs%40s%25@h:6379/0"}, REDIS_URL="redis://:p%23a%2Fs%40s%25@h:6379/0"
    ),
    "digits before a slash": of({"REDIS_URL": "redis://u:12/34@h:6379/0"}, REDIS_URL="redis://u:12%2F34@h:6379/0"),
    "an unquoted # in .env": in_file("REDIS_URL=redis://:p#w@h:6379/0 # main\n", REDIS_URL="redis://:p%23w@h:6379/0"),
    "sentinels": of(
        {"REDIS_URL": "redis+sentinel://:p#w@one:26379,[::1]/main/2?sentinel_password=o"},
        REDIS_URL="redis+sentinel://:p%23w@one:26379,[::1]/main/2?sentinel_password=o",
    ),
    "a cluster": of(
        {"REDIS_URL": "redis+cluster://u:p#w@one:6379,[::1]:7000"},
        REDIS_URL="redis+cluster://u:p%23w@one:6379,[::1]:7000/0",
        BREAKER_REDIS_URL="redis+cluster://u:p%23w@one:6379,[::1]:7000/0?client_name=breaker",
    ),
    "a cluster with TLS": of(
        {"REDIS_URL": "redis+cluster://one/0?ssl=true&ssl_cert_reqs=none"},
        REDIS_URL="rediss+cluster://one/0?ssl_cert_reqs=none",
    ),
    "a database of a cluster": wrong("REDIS_URL", "redis+cluster://one,two/1", "A cluster has only the database 0"),
    "Redis without scheme": wrong("REDIS_URL", "127.0.0.1:6379", "Does not begin with a scheme"),
    "another scheme": wrong("REDIS_URL", "http://127.0.0.1", "Its scheme is not one of redis://"),
    "Redis without host": wrong("REDIS_URL", "redis://:hunter2@/0", "Names no host", "hunter2"),
    "Redis with a database name": wrong(
        "REDIS_URL", "redis://:hunter2@h:6379/main", "is not a number such as 0", "hunter2"
    ),
    "Redis with a port name": wrong("REDIS_URL", "redis://:hunter2@h:redis/0", "Its port is not a number", "hunter2"),
    "IPv6 without brackets": wrong("REDIS_URL", "redis://::1:6379/0", "an IPv6 address stands between"),
    "a port too high": wrong("REDIS_URL", "redis://:hunter2@h:99999/0", "not between 1 and 65535", "hunter2"),
    "an unknown TLS option": wrong(
        "REDIS_URL", "rediss://:hunter2@h/0?ssl_verify=1", "option ssl_verify is not known", "hunter2"
    ),
    "TLS for sentinels": wrong(
        "REDIS_URL",
        "redis+sentinel://:hunter2@one/main/0?ssl=true",
        "option ssl asks for TLS, which redis+sentinel:// does not have; rediss://host:port/0",
        "hunter2",
    ),
    "a certificate of sentinels": wrong(
        "REDIS_URL", "redis+sentinel://:hunter2@one/main/0?ssl_cert_reqs=required", "ssl_cert_reqs asks", "hunter2"
    ),
    "a certificate without TLS": wrong(
        "REDIS_URL", "redis://:hunter2@h/0?ssl_ca_certs=/ca.pem", "ssl_ca_certs asks for TLS", "hunter2", "ca.pem"
    ),
    "TLS on a socket": wrong("REDIS_URL", "unix:///run/redis.sock?ssl=true", "ssl asks for TLS, which unix://"),
    "TLS, misspelt": wrong("REDIS_URL", "redis://:hunter2@h/0?ssl=required", "ssl is neither true nor", "hunter2"),
    "TLS, in another word": of({"REDIS_URL": "redis://h/0?ssl=Yes"}, REDIS_URL="rediss://h/0"),
    "no TLS": of({"REDIS_URL": "redis+sentinel://one/main/0?ssl=False"}, REDIS_URL="redis+sentinel://one/main/0"),
    "sentinels without service": wrong("REDIS_URL", "redis+sentinel://one:26379", "Names no service"),
    # --- PostgreSQL
    "Prisma's options": of(
        {
            "DATABASE_URL": "postgres://u:p@db.example.org:5432/app?pgbouncer=true&connection_limit=1&pool_timeout=9&supa=base-pooler.x"
        },
        DATABASE=POSTGRES,
    ),
    "sslmode": of(
        {"DATABASE_URL": "postgresql://u:p@db.example.org:5432/app?sslmode=require"}, DATABASE=POSTGRES, SSL="require"
    ),
    "Node's sslmode": of(
        {"DATABASE_URL": "postgresql://u:p@db.example.org:5432/app?sslmode=no-verify&uselibpqcompat=true"},
        DATABASE=POSTGRES,
        SSL="require",
    ),
    "ssl=true": of(
        {"DATABASE_URL": "postgresql://u:p@db.example.org:5432/app?ssl=true"}, DATABASE=POSTGRES, SSL="require"
    ),
    "ssl=true beside a strict sslmode": of(
        {"DATABASE_URL": "postgresql://u:p@db.example.org:5432/app?sslmode=verify-full&ssl=true"},
        DATABASE=POSTGRES,
        SSL="verify-full",
    ),
    "ssl=false beside no sslmode that needs TLS": of(
        {"DATABASE_URL": "postgresql://u:p@db.example.org:5432/app?ssl=false&sslmode=prefer"},
        DATABASE=POSTGRES,
        SSL="prefer",
    ),
    **{
        query: wrong("DATABASE_URL", f"postgresql://u:hunter2@h/app?{query}", "contradict each other", "hunter2")
        for query in (
            "sslmode=require&ssl=false",
            "sslmode=disable&ssl=true",
            "ssl=true&sslmode=prefer",
            "ssl=verify-full&sslmode=require",
        )
    },
    "SQLAlchemy's scheme": of({"DATABASE_URL": "postgresql+psycopg://u:p@db.example.org:5432/app"}, DATABASE=POSTGRES),
    "JDBC": of({"DATABASE_URL": "jdbc:postgresql://db.example.org:5432/app?user=u&password=p"}, DATABASE=POSTGRES),
    "every sign in a database password": of(
        {"DATABASE_URL": "postgresql://u:p#a/s@s?%:w@db.example.org:5432/app"},
        DATABASE=POSTGRES | {"PASSWORD": "p#a/s@s?%:w"},
    ),
    "an encoded database password": of(
        {"DATABASE_URL": "postgresql://u:p%23a%2Fs%40@db.example.org:5432/app"},
        DATABASE=POSTGRES | {"PASSWORD": "p#a/s@"},
    ),
    "an @ in an option": of(
        {"DATABASE_URL": "postgresql://u:p@db.example.org:5432/app?application_name=a@b"}, DATABASE=POSTGRES
    ),
    "Supabase's pooler": of(
        {
            "DATABASE_URL": "postgresql://postgres.ref:p@aws-0-eu-west-3.pooler.supabase.com:6543/postgres?pgbouncer=true"
        },
        DATABASE={"USER": "postgres.ref", "PORT": "6543"},
    ),
    "a database on IPv6": of(
        {"DATABASE_URL": "postgresql://u:p@[2001:db8::1]:5432/app"}, DATABASE=POSTGRES | {"HOST": "2001:db8::1"}
    ),
    "two hosts": of(
        {"DATABASE_URL": "postgresql://u:p@a:5432,b:5433/app?target_session_attrs=read-write"},
        DATABASE=POSTGRES | {"HOST": "a,b", "PORT": "5432,5433"},
    ),
    "two hosts, of which one takes writes": of(
        {"DATABASE_URL": "postgresql://u:p@a:5432,b:5433/app"}, DATABASE={"HOST": "a,b"}, SESSION="read-write"
    ),
    "two sockets as option": of(
        {"DATABASE_URL": "postgresql://u:p@/app?host=/tmp/a,/tmp/b"}, DATABASE={"NAME": "app"}, SESSION="read-write"
    ),
    "two hosts, of which any will do": of(
        {"DATABASE_URL": "postgresql://u:p@a,b/app?target_session_attrs=any"},
        DATABASE={"HOST": "a,b"},
        SESSION="any",
    ),
    "one host, whatever it takes": of(
        {"DATABASE_URL": "postgresql://u:p@db.example.org:5432/app"}, DATABASE=POSTGRES, SESSION=None
    ),
    "a socket as option": of(
        {"DATABASE_URL": "postgresql://u:@/app?host=/tmp/pg"}, DATABASE={"USER": "u", "NAME": "app", "HOST": "/tmp/pg"}
    ),
    "Supabase's template": wrong(
        "DATABASE_URL",
        "postgresql://postgres:[YOUR-PASSWORD]@db.ref.supabase.co:5432/postgres",
        "brackets of a template",
    ),
    "the brackets of Supabase's template": wrong(
        "DATABASE_URL",
        "postgresql://postgres:[hunter2]@db.ref.supabase.co:5432/postgres",
        "brackets of a template",
        "hunter2",
    ),
    "a Redis password in the brackets of a template": wrong(
        "REDIS_URL", "rediss://default:<hunter2>@h:6379", "brackets of a template", "hunter2"
    ),
    "brackets that are a password's own": of(
        {"DATABASE_URL": "postgresql://u:%5Bp%5D@db.example.org:5432/app"}, DATABASE=POSTGRES | {"PASSWORD": "[p]"}
    ),
    "what is shown of a database on IPv6": Case(
        {"DATABASE_URL": "postgresql://u:p@[2001:db8::1]:5432/app"},
        shown={"DATABASE_URL": "postgresql://u@[2001:db8::1]:5432/app"},
    ),
    "what is shown of two hosts": Case(
        {"DATABASE_URL": "postgresql://u:p@a:5432,b:5433/app"},
        shown={"DATABASE_URL": "postgresql://u@a:5432,b:5433/app"},
    ),
    "a pooler's address from a secret file": Case(
        {"DATABASE_URL_FILE": "{folder}/url"},
        files={"url": "postgres://postgres.ref:p@s/s#1%25$x@aws-0-eu-west-3.pooler.supabase.com:6543/postgres\r\n\r\n"},
        expected={"DATABASE": {"USER": "postgres.ref", "PASSWORD": "p@s/s#1%$x", "PORT": "6543"}},
    ),
    "the last of two lines": in_file("PORT=9001\nPORT=9002\n", PORT=9002),
    "a schema": of(
        {"DATABASE_URL": "postgresql://u:p@db.example.org:5432/app?schema=chat"},
        OPTIONS={"options": "-c search_path=chat"},
    ),
    "a schema beside options": of(
        {"DATABASE_URL": "postgresql://u:p@h/app?options=-c%20statement_timeout%3D5000&schema=chat"},
        OPTIONS={"options": "-c statement_timeout=5000 -c search_path=chat"},
    ),
    "options of libpq": of(
        {"DATABASE_URL": "postgresql://u:p@db.example.org:5432/app?keepalives_idle=30"},
        OPTIONS={"keepalives_idle": "30"},
    ),
    "SQLite": of({"DATABASE_URL": "sqlite:////tmp/a%20b.sqlite3"}, DATABASE={"NAME": "/tmp/a b.sqlite3"}),
    "SQLite in a relative path": of({"DATABASE_URL": "sqlite:///var/a.sqlite3"}, DATABASE={"NAME": "var/a.sqlite3"}),
    "SQLite in memory": of({"DATABASE_URL": "sqlite://:memory:"}, DATABASE={"NAME": ":memory:"}),
    "SQLite without a slash": wrong("DATABASE_URL", "sqlite://a.sqlite3", "Is not like sqlite:////absolute"),
    "SQLite with options": wrong("DATABASE_URL", "sqlite:///a.sqlite3?mode=ro", "Is not like sqlite:////absolute"),
    "MySQL": wrong("DATABASE_URL", "mysql://u:hunter2@h/app", "neither postgresql:// nor sqlite", "hunter2"),
    "no name of a database": wrong("DATABASE_URL", "postgresql://u:hunter2@h:5432", "Names no database", "hunter2"),
    "a port of letters": wrong(
        "DATABASE_URL", "postgresql://u:hunter2@h:pg/app", "Its port is not a number", "hunter2"
    ),
    "sslmode misspelt": wrong(
        "DATABASE_URL", "postgresql://u:hunter2@h/app?sslmode=on", "sslmode is none of", "hunter2"
    ),
    "an option about TLS misspelt": wrong(
        "DATABASE_URL", "postgresql://u:hunter2@h/app?sslmod=require", "option sslmod is not known", "hunter2"
    ),
    # --- all at once
    "all is told at once": Case(
        {
            "PORT": "http",
            "LOG_LEVEL": "loud",
            "REDIS_URL": "localhost",
            "SECRET_KEY": "",
            "SUPABASE_JWT_SECRET": "hunter2",
        },
        "WEB_WORKERS=0\nwhat is this\n",
        problems=(
            "7 of its settings",
            "PORT: ",
            "LOG_LEVEL: ",
            "REDIS_URL: ",
            "SECRET_KEY: ",
            "SUPABASE_JWT_SECRET: ",
            "WEB_WORKERS: ",
            "Line 2",
        ),
        withheld=("hunter2",),
    ),
}
