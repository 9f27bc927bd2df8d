"""The WSGI application and its server.

There are three kinds of routes: AI calls, which are recorded and subject to faults; free routes (health, models), which
only the fault `down` affects; and the control surface, which always works.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import orjson
from gevent.pywsgi import WSGIServer

from ai_service import openai
from ai_service.connection import ClientDisconnected, Connection, Handler
from ai_service.control_surface import ControlSurface
from ai_service.delivery import Delivery
from ai_service.knowledge import KnowledgeFolder
from ai_service.ledger import Call, Operation, headers_of
from ai_service.rag import Rag
from ai_service.replies import BadRequest, ImmediateReply, Reply, StreamReply

MAX_BODY_BYTES = 16 * 1024 * 1024  # a 10 MB document in base64 fits
BACKLOG = 4096  # a load test opens its connections at the same time


class Service:
    """The application: routes a request and delivers its reply."""

    def __init__(self, pace: float, knowledge: KnowledgeFolder) -> None:
        rag = Rag(knowledge)
        self._control = ControlSurface(pace)
        self._calls: dict[str, Callable[[bytes], Reply]] = {
            "POST /v1/chat/completions": openai.complete,
            "POST /api/chat/send": rag.send,
            "POST /api/chat/analyze-document": rag.analyze_document,
        }
        self._free: dict[str, Callable[[], bytes]] = {
            "GET /health": lambda: orjson.dumps({"status": "healthy"}),
            "GET /v1/models": openai.models,
        }

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterator[bytes]:
        route = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        delivery = Delivery(environ["ai_service.connection"], start, self._control.pace)
        try:
            body = _body(environ)
            if route in self._calls:
                return self._call(route, body, environ, delivery)
            if route in self._control:
                return delivery.send(self._control.handle(route, body))
            return delivery.send(self._free_reply(route, environ["ai_service.connection"]))
        except BadRequest as error:
            return delivery.send(error.reply)

    def _call(self, route: str, body: bytes, environ: WSGIEnvironment, delivery: Delivery) -> Iterator[bytes]:
        """One AI call, recorded in the ledger from before its first byte until after its last."""
        try:
            reply = self._calls[route](body)
        except BadRequest as error:
            reply = error.reply
        operation: Operation
        if isinstance(reply, ImmediateReply):  # an invalid request
            operation = "analyze" if "analyze" in route else "chat"
        else:
            operation = reply.operation
        fault = self._control.faults.next_call(operation)
        call = Call(
            operation=operation,
            path=environ["PATH_INFO"],
            stream=isinstance(reply, StreamReply),
            headers=headers_of(environ),
            fault=fault.kind if fault else None,
        )
        connection: Connection = environ["ai_service.connection"]
        with self._control.ledger.record(call), connection.watch_disconnect():
            yield from delivery.send(reply, fault)

    def _free_reply(self, route: str, connection: Connection) -> ImmediateReply:
        """The reply of a free route. Raises BadRequest if the route does not exist."""
        if route not in self._free:
            raise BadRequest("No such route.", status=404)
        if self._control.faults.is_down:
            connection.reset()
        return ImmediateReply(200, self._free[route]())


def serve(service: Service, host: str, port: int) -> Any:
    """Start a gevent server. Raises OSError if it can't listen."""
    # gevent would leave a socket open that can't listen.
    listener = socket.create_server((host, port), backlog=BACKLOG)
    listener.setblocking(False)
    server = WSGIServer(listener, service, handler_class=Handler, log=None, environ={"SERVER_NAME": host})
    server.start()
    return server


def _body(environ: WSGIEnvironment) -> bytes:
    """The request's body. Raises BadRequest if it is too large, ClientDisconnected if it is incomplete."""
    content_length = int(environ.get("CONTENT_LENGTH") or 0)  # absent for a chunked body
    try:
        body: bytes = b"" if content_length > MAX_BODY_BYTES else environ["wsgi.input"].read(MAX_BODY_BYTES + 1)
    except OSError as error:
        raise ClientDisconnected from error
    if max(content_length, len(body)) > MAX_BODY_BYTES:
        raise BadRequest("The body is larger than 16 MB.", status=413)
    return body
