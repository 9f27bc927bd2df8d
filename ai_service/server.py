"""The service as a WSGI application, and the server that runs it.

Three kinds of routes: the AI calls, which are counted and may go wrong; the free ones (health, models), which only a
service that is down refuses; and the control surface, which always works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import orjson
from gevent.pywsgi import WSGIServer

from ai_service import openai
from ai_service.connection import ClientLeft, Connection, Handler
from ai_service.control_surface import ControlSurface
from ai_service.delivery import Delivery
from ai_service.ledger import Call, Operation, headers_of
from ai_service.library import Library
from ai_service.rag import Rag
from ai_service.replies import BadRequest, Instant, Reply, Stream

LARGEST_BODY = 16 * 1024 * 1024  # bytes; a 10 MB document in base64 fits
BACKLOG = 4096  # a load test opens its connections all at once


class Service:
    """The application: finds what a request wants and delivers it."""

    def __init__(self, pace: float, library: Library) -> None:
        rag = Rag(library)
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
                return delivery.send(self._control.act(route, body))
            return delivery.send(self._give(route, environ["ai_service.connection"]))
        except BadRequest as error:
            return delivery.send(error.reply)

    def _call(self, route: str, body: bytes, environ: WSGIEnvironment, delivery: Delivery) -> Iterator[bytes]:
        """One AI call, in the ledger from before its first byte until after its last."""
        try:
            reply = self._calls[route](body)
        except BadRequest as error:
            reply = error.reply
        operation: Operation = "analyze" if "analyze" in route else "chat"  # of what nobody could read
        operation = operation if isinstance(reply, Instant) else reply.operation
        fault = self._control.faults.strike(operation)
        call = Call(
            operation=operation,
            path=environ["PATH_INFO"],
            stream=isinstance(reply, Stream),
            headers=headers_of(environ),
            fault=fault.kind if fault else None,
        )
        connection: Connection = environ["ai_service.connection"]
        with self._control.ledger.entry(call), connection.watched():
            yield from delivery.send(reply, fault)

    def _give(self, route: str, connection: Connection) -> Instant:
        """What costs nothing. Raises BadRequest where there is nothing."""
        if route not in self._free:
            raise BadRequest("There is nothing here.", status=404)
        if self._control.faults.is_down:
            connection.reset()
        return Instant(200, self._free[route]())


def serve(service: Service, host: str, port: int) -> Any:
    """A gevent server that listens already. Raises OSError when it can't."""
    server = WSGIServer(
        (host, port), service, backlog=BACKLOG, handler_class=Handler, log=None, environ={"SERVER_NAME": host}
    )
    server.start()
    return server


def _body(environ: WSGIEnvironment) -> bytes:
    """The request's body. Raises BadRequest when it is too large, ClientLeft when its end never comes."""
    announced = int(environ.get("CONTENT_LENGTH") or 0)  # absent where the body comes in chunks
    try:
        body: bytes = b"" if announced > LARGEST_BODY else environ["wsgi.input"].read(LARGEST_BODY + 1)
    except OSError as error:
        raise ClientLeft from error
    if max(announced, len(body)) > LARGEST_BODY:
        raise BadRequest("The body is larger than 16 MB.", status=413)
    return body
