"""A client of the stand-in for its tests, and two passages."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import requests

from ai_service.control import StandIn

AEEH = """\
L'AEEH est une aide mensuelle pour les parents d'un enfant handicapé de moins de 20 ans. Elle dépend du taux
d'incapacité.

## Combien
Elle était de 151,80 € par mois au 1er avril 2025. Le montant est revu chaque année.

## La demande
- Remplissez le formulaire Cerfa 15692*01.
- Joignez le certificat médical de moins d'un an.
- Envoyez le tout à la MDPH de votre département.

La réponse arrive en quatre mois environ."""
AESH = """\
An AESH helps a disabled child at school. The MDPH grants this help.

Ask for it in the MDPH file, with the GEVA-Sco filled in at school.

If no AESH comes, call 0 805 805 110."""


def passages(*entries: tuple[str, str]) -> dict[str, str]:
    """A system message with these passages, each a (title, text) pair."""
    blocks = (
        f'<passage n="{number}" title="{title}" source="https://example.org/{number}">\n{text}\n</passage>'
        for number, (title, text) in enumerate(entries, 1)
    )
    return {"role": "system", "content": "\n".join(["<passages>", *blocks, "</passages>"])}


BODY: dict[str, Any] = {
    "model": "stand-in",
    "messages": [passages(("L&#x27;AEEH", AEEH)), {"role": "user", "content": "C'est quoi l'AEEH ?"}],
}


def ask(ai: StandIn, *, stream: bool = True, timeout: float = 10, **headers: str) -> requests.Response:
    """Send BODY and read the whole response."""
    with requests.Session() as session:
        session.trust_env = False
        renamed = {name.replace("_", "-"): value for name, value in headers.items()}
        return session.post(
            f"{ai.url}/v1/chat/completions", json=BODY | {"stream": stream}, headers=renamed, timeout=timeout
        )


def open_call(ai: StandIn, *, stream: bool = True) -> socket.socket:
    """Send BODY. The caller reads the response and closes the connection."""
    parts = urlsplit(ai.url)
    body = json.dumps(BODY | {"stream": stream}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
    connection = socket.create_connection((str(parts.hostname), parts.port or 0), timeout=5)
    connection.sendall(head.encode() + body)
    return connection


def text_of(answer: requests.Response) -> str:
    """The text of a streamed or complete answer."""
    if not answer.headers["Content-Type"].startswith("text/event-stream"):
        return str(answer.json()["choices"][0]["message"]["content"])
    lines = answer.content.decode().splitlines()
    chunks = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
    return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks if chunk["choices"])


def answer_to(ai: StandIn, question: str, *entries: tuple[str, str], before: tuple[str, ...] = ()) -> str:
    """The answer's text to a question with these passages and previous questions."""
    previous = [{"role": "user", "content": text} for text in before]
    messages = [passages(*entries), *previous, {"role": "user", "content": question}]
    with requests.Session() as session:
        session.trust_env = False
        return text_of(session.post(f"{ai.url}/v1/chat/completions", json={"messages": messages}, timeout=5))
