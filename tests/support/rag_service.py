"""A service that speaks the RAG protocol as strictly as the one this project was made for.

Its sources are titles, its documents base64, its callers people with a bearer token.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from tests.support.services import HOST

SOURCES = ["Guide de la MDPH", "Fiche AEEH"]


class RagService(ThreadingHTTPServer):
    """`requests` are (path, Authorization, body); `extra` is added to every reply; 401 to tokens not in `tokens`."""

    def __init__(self, *tokens: str) -> None:
        super().__init__((HOST, 0), _Handler)
        self.tokens = tokens
        self.extra: dict[str, Any] = {}
        self.requests: list[tuple[str, str, dict[str, Any]]] = []

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.server_port}"

    def reply_to(self, path: str, authorization: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.requests.append((path, authorization, body))
        if authorization.removeprefix("Bearer ") not in self.tokens:
            return 401, {"detail": "Not authenticated"}
        if path == "/api/chat/send":
            answer = {"response": f"Réponse à : {body['message']}", "sources": SOURCES, "suggestions": ["Et après ?"]}
            return 200, {"conversation_id": "c1", "processing_time": 0.2} | answer | self.extra
        if body.get("documentType") not in {"text", "pdf", "image"}:
            return 422, {"detail": "documentType"}
        try:
            text = base64.b64decode(body["document"], validate=True).decode()
        except ValueError:
            return 422, {"detail": "document"}
        return 200, {"fullAnalysis": f"Ce courrier dit : {text}", "extractedData": {}} | self.extra


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RagService

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, reply = self.server.reply_to(self.path, self.headers.get("Authorization", ""), body)
        data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def running_rag_service(*tokens: str) -> Iterator[RagService]:
    service = RagService(*tokens)
    thread = Thread(target=service.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        service.server_close()
        thread.join(5)
