"""Asks each service through a running chat-bff and prints what people get; `--write` puts it into docs/providers.md."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.support import services  # starts Redis and PostgreSQL before Django is set up
from tests.support.processes import ROOT
from tests.support.sse import parse_parts

SHORT = "Bonjour, qui êtes-vous ?"
GROUNDED = "Comment demander l'AEEH, ses compléments et la PCH, et que faire en cas de refus ?"
# With its passages longer than the context.
LONG = (
    f"{GROUNDED} Voici notre histoire. " + "Notre fille a sept ans, elle est suivie par le CAMSP depuis deux ans. " * 45
)
CONTEXT_TOKENS = 2048
FITTING, TOO_LONG = {"AI_CONTEXT_TOKENS": "1500"}, {"AI_CONTEXT_TOKENS": "8000"}
PAGE = ROOT / "docs" / "providers.md"
BEGIN, END = "<!-- real services: begin -->\n", "<!-- real services: end -->\n"

Answer = tuple[str, str, str]  # origin, ending or reason, time to the first words


@dataclass(frozen=True, slots=True)
class Row:
    """The answer to one question; `expected` is the origin that it should have."""

    service: str
    question: str
    origin: str
    ending: str
    first_words: str
    expected: str = "ai"


def main() -> None:
    assert services.FOLDER.exists()
    import django  # noqa: PLC0415 after the services have set its environment

    os.environ["DJANGO_SETTINGS_MODULE"] = "bff.settings"
    django.setup()
    sys.excepthook = sys.__excepthook__
    from django.core.management import call_command  # noqa: PLC0415 after Django is set up

    parser = argparse.ArgumentParser(prog="benchmarks.real_services", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into docs/providers.md")
    write = parser.parse_args().write
    call_command("migrate", verbosity=0)
    call_command("load_knowledge", verbosity=0)
    with tempfile.TemporaryDirectory() as folder:
        rows = list(_ask_all(Path(folder)))
    table = _table(rows)
    print(table)
    if write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(before + BEGIN + table + END + rest.partition(END)[2])
    if wrong := [row for row in rows if row.origin != row.expected]:
        sys.exit("\n".join(map(str, wrong)))


def _ask_all(folder: Path) -> Iterator[Row]:
    from benchmarks.real_services.processes import start_litellm, start_llama_cpp  # noqa: PLC0415 needs the settings

    llama_cpp = start_llama_cpp(folder, CONTEXT_TOKENS)
    litellm = start_litellm(folder, llama_cpp)
    for service in (llama_cpp, litellm):
        yield from _ask(service.name, FITTING | service.settings, ("JSON", "stream", "grounded", "long", "follow-up"))
        yield _check(service.name, FITTING | service.settings, "works")
        yield from _ask(service.name, TOO_LONG | service.settings, ("long",), expected="knowledge")
        yield _check(service.name, TOO_LONG | service.settings, "AI_CONTEXT_TOKENS")
    for wrong in ("AI_SERVICE_MODEL", "AI_SERVICE_API_KEY"):
        yield _check(litellm.name, FITTING | litellm.settings | {wrong: "wrong"}, wrong)


def _ask(name: str, settings: dict[str, str], kinds: Sequence[str], expected: str = "ai") -> Iterator[Row]:
    """Ask through an instance with these settings."""
    from benchmarks.harness.backing_services import redis_client  # noqa: PLC0415 needs the settings
    from tests.support.server import Server  # noqa: PLC0415 as above

    redis_client().flushdb()  # answers to the same questions before
    server = Server(**settings)
    with requests.Session() as client:
        client.headers["X-CSRFToken"] = client.get(f"{server.url}/api/chat/csrf", timeout=10).json()["csrfToken"]
        for kind in kinds:
            origin, ending, first_words = ASKS[kind](server.url, client)
            yield Row(
                name,
                f"{kind}, AI_CONTEXT_TOKENS={settings['AI_CONTEXT_TOKENS']}",
                origin,
                ending,
                first_words,
                expected,
            )
    server.stop()


def _json(url: str, client: requests.Session) -> Answer:
    answer = client.post(f"{url}/api/chat/message", json={"message": SHORT}, timeout=60).json()
    return answer["origin"], answer["ending"], "–"


def _stream(url: str, client: requests.Session, message: str = f"{SHORT} Dites-le.", **body: str) -> Answer:
    """Also the milliseconds until the first words."""
    started_at, first_words, reason, finish = time.monotonic(), 0.0, "", {}
    response = client.post(f"{url}/api/chat/stream", json={"message": message, **body}, stream=True, timeout=60)
    for part in parse_parts(response.iter_lines()):
        if part["type"] == "text-delta":
            first_words = first_words or time.monotonic() - started_at
        elif part["type"] == "data-notice":
            reason = part["data"]["reason"]
        elif part["type"] == "finish":
            finish = part["messageMetadata"]
    return finish["origin"], reason or finish["ending"], f"{first_words * 1000:.0f} ms"


def _follow_up(url: str, client: requests.Session) -> Answer:
    first = client.post(f"{url}/api/chat/message", json={"message": f"{SHORT} D'abord."}, timeout=60).json()
    return _stream(url, client, "Et ensuite ?", conversationId=first["conversationId"])


ASKS = {
    "JSON": _json,
    "stream": _stream,
    "grounded": lambda url, client: _stream(url, client, GROUNDED),
    "long": lambda url, client: _stream(url, client, LONG),
    "follow-up": _follow_up,
}


def _check(name: str, settings: dict[str, str], expected: str) -> Row:
    """The result of `check_ai --long`: `works`, or the variable to set."""
    command = (sys.executable, "manage.py", "check_ai", "--long")
    done = subprocess.run(command, env=os.environ | settings, cwd=ROOT, capture_output=True, text=True, check=False)
    named = re.findall(r"→ Set (\w+)", done.stdout)
    wrong = [f"{name}=wrong" for name, value in settings.items() if value == "wrong"]
    question = ", ".join(["`check_ai --long`", *(wrong or [f"AI_CONTEXT_TOKENS={settings['AI_CONTEXT_TOKENS']}"])])
    return Row(
        name, question, named[0] if named else "works" if done.returncode == 0 else done.stdout, "–", "–", expected
    )


def _table(rows: Sequence[Row]) -> str:
    heading = "| service | question | answered by | ending | first words |\n| --- | --- | --- | --- | --- |\n"
    return heading + "".join(
        f"| {row.service} | {row.question} | `{row.origin}` | `{row.ending}` | {row.first_words} |\n" for row in rows
    )


if __name__ == "__main__":
    main()
