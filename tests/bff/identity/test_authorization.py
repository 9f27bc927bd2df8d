"""Authorization: no route in the OpenAPI documents reveals or changes anything when called with another caller's ids.

New routes are tested automatically. A route with a required field that has no sample here fails until one is added.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import pytest
from django_redis import get_redis_connection

from bff.identity import middleware
from bff.identity.jwt_verifier import TokenVerifier
from bff.urls import api
from chat.history import api_keys
from chat.models import Conversation, Message
from tests.conftest import ChatClient
from tests.support.sse import read_start
from tests.support.supabase import SECRET, token_of

pytestmark = pytest.mark.django_db(transaction=True)

SECRET_WORDS = "Zénobie"
API = api.get_openapi_schema()
# Fields that take an id, by the kind of id; then sample values of other required fields.
IDS = {
    "conversationId": "conversation",
    "conversation_id": "conversation",
    "id": "conversation",
}
IDS |= {"messageId": "message"}
SAMPLES: dict[str, Any] = {
    "message": "Qu'est-ce que la CAF ?",
    "messages": [{"role": "user", "content": "Qu'est-ce que la CAF ?"}],
    "rating": "down",
    "search": SECRET_WORDS,
    "title": "Un autre titre",
    "document": "Bonjour",
    "model": "any",
}


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    operation: dict[str, Any]
    document: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def requests(self, ids: dict[str, str]) -> Iterator[tuple[str, dict[str, str], Any]]:
        """Path, query and body of each variant of its request."""
        parameters: dict[str, dict[str, Any]] = {place: {} for place in ("path", "query")}
        for parameter in self.operation["parameters"]:
            if (value := self._value(parameter["name"], ids, required=parameter["required"])) is not None:
                parameters[parameter["in"]][parameter["name"]] = value
        path = self.path.format(**parameters["path"])
        for schema in self._schemas():
            body = {
                name: value
                for name in schema.get("properties", {})
                if (value := self._value(name, ids, required=name in schema.get("required", ()))) is not None
            }
            yield path, parameters["query"], body or None

    def _schemas(self) -> list[dict[str, Any]]:
        content = self.operation.get("requestBody", {}).get("content", {})
        schema = self.resolved(content.get("application/json", {}).get("schema", {}))
        variants = schema.get("anyOf", [schema])
        return [self.resolved(each) for each in variants if each.get("type") != "null"]

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        name = schema.get("$ref", "").rpartition("/")[2]
        return self.document["components"]["schemas"][name] if name else schema

    @staticmethod
    def _value(name: str, ids: dict[str, str], *, required: bool) -> Any:
        if name in IDS:
            return ids[IDS[name]]
        return SAMPLES[name] if required else None


ROUTES = [
    Route(method, path, operation, API)
    for path, methods in API["paths"].items()
    for method, operation in methods.items()
]


def unused_ids() -> dict[str, str]:
    """Ids that don't exist; new ones on each call, because some routes create a conversation with them."""
    return {"conversation": f"{uuid.uuid4()}-0123456789ab", "message": str(uuid.uuid4())}


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def caller(kind: str, name: str) -> ChatClient:
    """A client of this kind of caller."""
    if kind == "person":
        return ChatClient(raise_request_exception=False, headers=bearer(token_of(name)))
    if kind == "program":
        row, key = api_keys.create(name)
        row.save()
        return ChatClient(raise_request_exception=False, headers=bearer(key))
    visitor = ChatClient(raise_request_exception=False)
    visitor.get("/")
    return visitor


@dataclass(frozen=True)
class Owner:
    client: ChatClient
    ids: dict[str, str]
    running: dict[str, str]
    words: tuple[str, ...]


@pytest.fixture(params=["visitor", "person"])
def owner(request, ai, settings, monkeypatch):
    """A caller with a finished conversation, and another one whose answer is being written."""
    settings.SUPABASE_JWT_SECRET = SECRET
    monkeypatch.setattr(middleware, "_verifier", TokenVerifier())
    client = caller(request.param, "owner")
    first = client.ask(f"Ma fille {SECRET_WORDS} a 7 ans.").json()
    second = client.ask(f"Que demander pour {SECRET_WORDS} ?", conversationId=first["conversationId"]).json()
    client.post_json("/api/chat/feedback", {"messageId": second["messageId"], "rating": "up", "comment": SECRET_WORDS})
    ai.pace(2)
    # Unique, so that it doesn't join the run of another test.
    stream = client.stream(f"Comment inscrire {SECRET_WORDS} à l'école ? {uuid.uuid4()}")
    conversation, message = read_start(stream.streaming_content)
    ids = {"conversation": first["conversationId"], "message": second["messageId"]}
    running = {"conversation": conversation, "message": message}
    yield Owner(client, ids, running, (SECRET_WORDS, second["messageId"], message))
    client.post_json(f"/api/chat/{running['conversation']}/stop", {})
    stream.close()


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_a_route_treats_ids_of_another_caller_like_ids_that_do_not_exist(route, owner, ai):
    before = stored_data()
    ai.pace(0)
    for kind in ("visitor", "person", "program"):
        stranger = caller(kind, "stranger")
        for ids in (owner.ids, owner.running):
            for theirs, unused in zip(route.requests(ids), route.requests(unused_ids()), strict=True):
                with_theirs, with_unused = send(stranger, route.method, *theirs), send(stranger, route.method, *unused)
                assert with_theirs[:2] == with_unused[:2]
                assert not [word for word in owner.words if word in with_theirs[2]]
    assert stored_data(of=before) == before
    assert owner.client.get(f"/api/chat/{owner.running['conversation']}/stream").status_code == 200


def stored_data(of: Any = None) -> Any:
    """All messages, private cache keys and conversation owners; with `of`, only those that were in it."""
    rows = Message.objects.order_by("pk").select_related("conversation")
    found = {row.pk: (row.conversation.owner, row.role, row.status, row.text, row.rating, row.comment) for row in rows}
    private = {key for key in get_redis_connection("default").keys("bff:answer:*") if b"{public:" not in key}
    owners = dict(Conversation.objects.values_list("pk", "owner"))
    if of is None:
        return found, private, owners
    return (
        {pk: row for pk, row in found.items() if pk in of[0]},
        private & of[1],
        {pk: name for pk, name in owners.items() if pk in of[2]},
    )


def send(client: ChatClient, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any, str]:
    """Status, the comparable part of the response, and its whole text with headers."""
    options = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    reply = getattr(client, method)(path, query_params=query, **options)
    text = (b"".join(reply.streaming_content) if reply.streaming else reply.content).decode()
    data = json.loads(text) if "json" in reply.get("Content-Type", "") else None
    comparable = data if reply.status_code >= 400 else sorted(data or ())
    if isinstance(comparable, dict):
        comparable.pop("correlationId", None)
    return reply.status_code, comparable, text + str(reply.headers)


JSON_READS = [
    route
    for route in ROUTES
    if route.method == "get" and "application/json" in route.operation["responses"][200].get("content", {})
]


@pytest.mark.parametrize("route", JSON_READS, ids=str)
def test_a_callers_own_data_conforms_to_the_schema(route, owner):
    content = route.operation["responses"][200]["content"]
    for path, query, _ in route.requests(owner.ids):
        reply = owner.client.get(path, query_params=query)
        body = b"".join(reply.streaming_content) if reply.streaming else reply.content
        schema = content["application/json"]["schema"] | {"components": route.document["components"]}
        jsonschema_rs.validate(schema, json.loads(body))
        assert reply.status_code == 200


def test_the_samples_reach_the_owners_data(owner):
    """Owners get their data with the same requests; otherwise the test above would prove nothing."""
    statuses = {
        str(route): send(owner.client, route.method, *next(route.requests(owner.ids)))[:1]
        for route in ROUTES
        if route.method == "get"
    }
    assert {status for (status,) in statuses.values()} <= {200, 204}
    assert re.search(SECRET_WORDS, send(owner.client, "get", "/api/me/export", {}, None)[2])
