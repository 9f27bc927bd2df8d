"""Requests of every kind, each full of unique secrets (canaries)."""

from __future__ import annotations

import base64
import io
import json
import re
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests

CANARY = re.compile(r"canari[0-9a-f]{12}")
JSON = "application/json"


def secret() -> str:
    return f"canari{secrets.token_hex(6)}"


def jwt() -> str:
    """A well-formed token with an invalid signature."""
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": secret(), "aud": "authenticated", "exp": 2**31})
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().strip("=") for part in parts), secret()]
    )


class Sender:
    """An HTTP client. `refusals` holds headers and body of every response with a status of 400 or above."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.statuses: list[int] = []
        self.refusals: list[str] = []

    def all_requests(self) -> Iterator[Callable[[], None]]:
        """One function per kind of request, each sending it."""
        for requests_of_kind in (
            self._answers(),
            self._documents(),
            self._refused(),
            self._pages(),
            self._crashes(),
            self._malformed_http(),
        ):
            yield from requests_of_kind

    def send(
        self, method: str, path: str, *, body: Any = None, headers: dict[str, str] | None = None, **options: Any
    ) -> None:
        """Send a request with a secret in the query, in a cookie and in every header that may hold one."""
        default_headers = {
            "X-Forwarded-Proto": "https",
            "User-Agent": secret(),
            "Referer": f"https://example.org/{secret()}",
            "Accept-Language": secret(),
            "X-Correlation-ID": f"{secret()} not acceptable",
            "X-Anything": secret(),
            "traceparent": secret(),
            "Last-Event-ID": secret(),
            "Cookie": f"visitor={secret()}:{secret()}; sessionid={secret()}; other={secret()}",
        }
        if body is not None:
            options["data"] = body if isinstance(body, str | bytes) else json.dumps(body)
            default_headers["Content-Type"] = JSON
        with suppress(requests.RequestException), requests.Session() as session:
            session.trust_env = False
            response = session.request(
                method,
                self.address + path,
                params={"q": secret(), secret(): "1"},
                headers=default_headers | (headers or {}),
                timeout=60,
                allow_redirects=False,
                **options,
            )
            self.statuses.append(response.status_code)
            if response.status_code >= 400:
                self.refusals.append(f"{response.headers} {response.text}")

    def _request(self, *arguments: Any, **options: Any) -> Callable[[], None]:
        return lambda: self.send(*arguments, **options)

    def _answers(self) -> Iterator[Callable[[], None]]:
        completion = {"model": secret(), "user": secret(), "messages": [{"role": "user", "content": secret()}]}
        for body in ({}, {"context": {"prenom": secret()}}):
            for endpoint in ("message", "stream"):
                # Without a cookie: a forged visitor cookie would be refused.
                yield self._request(
                    "POST",
                    f"/api/chat/{endpoint}",
                    body={"message": f"Bonjour {secret()}", **body},
                    headers={"Cookie": ""},
                )
        sdk = {"id": secret(), "messages": [{"role": "user", "parts": [{"type": "text", "text": secret()}]}]}
        yield self._request(
            "POST", "/api/chat/stream", body={**sdk, "trigger": "submit-message"}, headers={"Cookie": ""}
        )
        for more in ({}, {"stream": True}):
            yield self._request("POST", "/v1/chat/completions", body=completion | more, headers={"Cookie": ""})

    def _documents(self) -> Iterator[Callable[[], None]]:
        letter = f"La MDPH demande un certificat à {secret()} avant le 12 mars 2026."
        body = {"document": letter, "documentType": "mdph", "fileName": f"{secret()}.txt"}
        yield self._request("POST", "/api/chat/analyze-document", body=body, headers={"Cookie": ""})
        for content in (
            letter.encode(),
            f"%PDF-1.7 {secret()}".encode(),
            f"PK\3\4{secret()}".encode(),
            b"\0\1" + secret().encode(),
        ):
            files = {"file": (f"{secret()}.pdf", io.BytesIO(content))}
            yield self._request(
                "POST",
                "/api/chat/analyze-document",
                files=files,
                data={"documentType": "other"},
                headers={"Cookie": ""},
            )
        files = {"file": (f"{secret()}.txt", io.BytesIO(secret().encode() * 700_000))}
        yield self._request("POST", "/api/chat/analyze-document", files=files, headers={"Cookie": ""})
        broken = f"--x\r\nContent-Disposition: form-data; name={secret()}"
        kind = {"Content-Type": f"multipart/form-data; boundary={secret()}", "Cookie": ""}
        yield self._request("POST", "/api/chat/analyze-document", body=broken, headers=kind)

    def _refused(self) -> Iterator[Callable[[], None]]:
        message, no_cookie = "/api/chat/message", {"Cookie": ""}
        bodies: list[Any] = [
            {"message": "", "conversationId": secret()},
            {"message": {secret(): secret()}},
            {"message": secret() * 400},
            {"message": secret(), "conversationId": f"{secret()} no"},
            {"message": secret(), "context": {secret(): [secret()], secret(): {secret(): secret()}}},
            {"message": f"{secret()}\0", secret(): secret()},
            [secret()],
            f'{{"message": "{secret()}',
            f"{secret()}",
        ]
        yield from (self._request("POST", message, body=body, headers=no_cookie) for body in bodies)
        yield self._request(
            "POST", "/api/chat/stream", body={"messages": [{"role": secret()}], "id": secret()}, headers=no_cookie
        )
        yield self._request(
            "POST", "/api/chat/feedback", body={"messageId": secret(), "rating": secret()}, headers=no_cookie
        )
        yield self._request(
            "POST",
            "/api/chat/feedback",
            body={"messageId": secret(), "rating": "up", "comment": secret()},
            headers=no_cookie,
        )
        yield self._request("DELETE", "/api/chat/reset", body={secret(): secret()}, headers=no_cookie)
        yield self._request(
            "POST",
            "/v1/chat/completions",
            body={"model": 1, "messages": [{"role": secret(), secret(): 1}]},
            headers=no_cookie,
        )
        yield self._request(
            "POST",
            "/v1/chat/completions",
            body={"model": secret(), "messages": [], "tools": [secret()]},
            headers=no_cookie,
        )
        yield self._request(
            "POST",
            "/api/chat/analyze-document",
            body={"document": secret(), "documentType": secret()},
            headers=no_cookie,
        )
        yield self._request("POST", message, body={"message": secret()})  # a forged cookie
        yield self._request(
            "POST", message, body={"message": secret()}, headers={"Cookie": "", "Origin": f"https://{secret()}.example"}
        )
        for token in (f"Bearer {secret()}", f"Bearer {jwt()}", f"Basic {secret()}", secret()):
            yield self._request("POST", message, body={"message": secret()}, headers={"Authorization": token})
        yield self._request("POST", message, body=secret(), headers={"Content-Type": f"text/{secret()}", "Cookie": ""})
        yield self._request("POST", message, body=secret() * 40_000, headers=no_cookie)
        yield self._request("GET", f"/api/chat/{secret()}/stream")
        yield self._request("POST", f"/api/chat/{secret()}/stop", body={}, headers=no_cookie)
        yield self._request("GET", f"/api/chat/history?conversationId={secret()}")
        yield self._request("GET", f"/api/chat/history?conversationId={secret()}%20&after={secret()}")
        yield self._request("GET", f"/api/chat/conversations?before={secret()}")
        yield self._request("PUT", message, body={"message": secret()}, headers=no_cookie)
        yield self._request(secret().upper(), "/api/chat/message")
        yield self._request("GET", "/metrics")
        yield self._request("GET", "/metrics", headers={"Authorization": f"Bearer {secret()}"})

    def _pages(self) -> Iterator[Callable[[], None]]:
        for path in (
            "/",
            f"/{secret()}",
            f"/api/{secret()}",
            f"/v1/{secret()}",
            f"/static/{secret()}.js",
            f"/admin/{secret()}/",
        ):
            yield self._request("GET", path)
        yield self._request("POST", "/", data={"message": secret()})
        form = {"username": secret(), "password": secret(), "csrfmiddlewaretoken": "x" * 64, "next": f"/{secret()}"}
        origin = {"Referer": f"{self.address}/admin/login/", "Cookie": f"csrftoken={'x' * 64}"}
        yield self._request("POST", "/admin/login/", data=form, headers=origin)
        yield self._request("POST", f"/admin/{secret()}/", data=form)
        yield self._request("GET", "/admin/chat/message/", headers={"Cookie": f"sessionid={secret()}"})
        yield self._request("GET", "/", headers={"Host": f"{secret()}.example"})
        yield self._request("GET", "/api/docs", headers={"Host": f"{secret()}_!"})
        yield self._request("GET", "/healthz")
        yield self._request("GET", "/readyz")

    def _crashes(self) -> Iterator[Callable[[], None]]:
        for where in ("view", "stream", "thread", "warning", "library"):
            headers = {"X-Crash": where, "Cookie": ""}
            yield self._request("POST", "/api/chat/message", body={"message": secret()}, headers=headers)
        yield self._request("GET", f"/{secret()}", headers={"X-Crash": "view"})

    def _malformed_http(self) -> Iterator[Callable[[], None]]:
        post = "POST /api/chat/message HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n"
        for raw in (
            f"{secret()}\r\n\r\n",
            f"GET /{secret()} HTTP/{secret()}\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: a\r\n{secret()} : b\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n {secret()}\r\n\r\n",
            f"GET /{secret() * 1000} HTTP/1.1\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: a\r\nX-A: {secret() * 1000}\r\n\r\n",
            f"{post}Transfer-Encoding: {secret()}\r\n\r\n",
            f"{post}Expect: {secret()}\r\n\r\n",
            f"{post}Content-Type: {JSON}\r\nTransfer-Encoding: chunked\r\n\r\n{secret()}\r\n",
            f"{post}Content-Length: {secret()}\r\n\r\n",
        ):
            yield partial(self._send_raw, raw)

    def _send_raw(self, raw: str) -> None:
        address = urlsplit(self.address)
        with socket.create_connection((address.hostname, address.port), 20) as connection, suppress(OSError):
            connection.sendall(raw.encode())
            connection.shutdown(socket.SHUT_WR)
            response = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
            if response:
                self.statuses.append(int(response.split(" ", 2)[1]))
                self.refusals.append(response)
