"""Nobody learns or changes anything with somebody else's ids: every route in the API's description is tried with them.

A route that is new is tried, too; one that takes something this page has no sample of fails here until it is given one.
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

from bff import auth
from bff.tokens import TokenVerifier
from bff.urls import api, openai_api
from chat import api_keys
from chat.models import Conversation, Message
from tests.bff.supabase import SECRET, token_of
from tests.conftest import ChatClient
from tests.frames import begun

pytestmark = pytest.mark.django_db(transaction=True)

SECRET_WORDS = "Zénobie"
API, OPENAI = api.get_openapi_schema(), openai_api.get_openapi_schema()
# What is filled in where a route takes an id of somebody's, and where it takes anything else that it must have.
IDS = {
    "conversationId": "conversation",
    "conversation_id": "conversation",
    "before": "conversation",
    "id": "conversation",
}
IDS |= {"messageId": "message"}
SAMPLES: dict[str, Any] = {
    "message": "Qu'est-ce que la CAF ?",
    "messages": [{"role": "user", "content": "Qu'est-ce que la CAF ?"}],
    "rating": "down",
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
        """Path, query and body of each form of request that it takes."""
        given = {place: {} for place in ("path", "query")}
        for parameter in self.operation["parameters"]:
            if (value := self._value(parameter["name"], ids, required=parameter["required"])) is not None:
                given[parameter["in"]][parameter["name"]] = value
        path = self.path.format(**given["path"])
        for form in self._forms():
            body = {
                name: value
                for name in form.get("properties", {})
                if (value := self._value(name, ids, required=name in form.get("required", ()))) is not None
            }
            yield path, given["query"], body or None

    def _forms(self) -> list[dict[str, Any]]:
        content = self.operation.get("requestBody", {}).get("content", {})
        form = self.resolved(content.get("application/json", {}).get("schema", {}))
        forms = form.get("anyOf", [form])
        return [self.resolved(each) for each in forms if each.get("type") != "null"]

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        name = schema.get("$ref", "").rpartition("/")[2]
        return self.document["components"]["schemas"][name] if name else schema

    @staticmethod
    def _value(name: str, ids: dict[str, str], *, required: bool) -> Any:
        if name in IDS:
            return ids[IDS[name]]
        return SAMPLES[name] if required else None


ROUTES = [
    Route(method, path, operation, document)
    for document in (API, OPENAI)
    for path, methods in document["paths"].items()
    for method, operation in methods.items()
]


def never_given() -> dict[str, str]:
    """Ids that nobody has; new ones each time, because some routes begin a conversation with them."""
    return {"conversation": f"{uuid.uuid4()}-0123456789ab", "message": str(uuid.uuid4())}


def bearer(credential: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {credential}"}


def caller(kind: str, name: str) -> ChatClient:
    """Somebody of this kind."""
    if kind == "person":
        return ChatClient(raise_request_exception=False, headers=bearer(token_of(name)))
    if kind == "program":
        row, key = api_keys.make(name)
        row.save()
        return ChatClient(raise_request_exception=False, headers=bearer(key))
    visitor = ChatClient(raise_request_exception=False)
    visitor.get("/")
    return visitor


@dataclass(frozen=True)
class Owner:
    client: ChatClient
    ids: dict[str, str]
    under_way: dict[str, str]
    words: tuple[str, ...]


@pytest.fixture(params=["visitor", "person"])
def owner(request, ai, settings, monkeypatch):
    """Somebody with a conversation, and another one whose answer is being written."""
    settings.SUPABASE_JWT_SECRET = SECRET
    monkeypatch.setattr(auth, "_verifier", TokenVerifier())
    client = caller(request.param, "owner")
    told = client.ask(f"Ma fille {SECRET_WORDS} a 7 ans.").json()
    again = client.ask(f"Que demander pour {SECRET_WORDS} ?", conversationId=told["conversationId"]).json()
    client.post_json("/api/chat/feedback", {"messageId": again["messageId"], "rating": "up", "comment": SECRET_WORDS})
    ai.pace(2)
    stream = client.stream(f"Comment inscrire {SECRET_WORDS} à l'école ? {uuid.uuid4()}")  # or it joins the last test's
    conversation, message = begun(stream.streaming_content)
    ids = {"conversation": told["conversationId"], "message": again["messageId"]}
    under_way = {"conversation": conversation, "message": message}
    yield Owner(client, ids, under_way, (SECRET_WORDS, again["messageId"], message))
    client.post_json(f"/api/chat/{under_way['conversation']}/stop", {})


@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_with_somebody_elses_ids_a_route_answers_as_if_they_had_never_been(route, owner, ai):
    before = everything_kept()
    ai.pace(0)
    for kind in ("visitor", "person", "program"):
        stranger = caller(kind, "stranger")
        for ids in (owner.ids, owner.under_way):
            for theirs, none in zip(route.requests(ids), route.requests(never_given()), strict=True):
                answer, as_if = send(stranger, route.method, *theirs), send(stranger, route.method, *none)
                assert answer[:2] == as_if[:2]
                assert not [word for word in owner.words if word in answer[2]]
    assert everything_kept(of=before) == before
    assert owner.client.get(f"/api/chat/{owner.under_way['conversation']}/stream").status_code == 200


def everything_kept(of: Any = None) -> Any:
    """Every row that is there now, or those of an earlier look; what is cached for people alone; who reads no more."""
    rows = Message.objects.order_by("pk").select_related("conversation")
    found = {row.pk: (row.conversation.owner, row.role, row.status, row.text, row.rating, row.comment) for row in rows}
    private = {key for key in get_redis_connection("default").keys("bff:answer:*") if b":public:" not in key}
    owners = dict(Conversation.objects.values_list("pk", "owner"))
    if of is None:
        return found, private, owners
    return (
        {pk: row for pk, row in found.items() if pk in of[0]},
        private & of[1],
        {pk: name for pk, name in owners.items() if pk in of[2]},
    )


def send(client: ChatClient, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any, str]:
    """Status, what can be compared of the answer, and all of its words."""
    options = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    reply = getattr(client, method)(path, query_params=query, **options)
    words = (b"".join(reply.streaming_content) if reply.streaming else reply.content).decode()
    told = json.loads(words) if "json" in reply.get("Content-Type", "") else None
    comparable = told if reply.status_code >= 400 else sorted(told or ())
    if isinstance(comparable, dict):
        comparable.pop("correlationId", None)
    return reply.status_code, comparable, words + str(reply.headers)


READ_AS_JSON = [
    route
    for route in ROUTES
    if route.method == "get" and "application/json" in route.operation["responses"][200].get("content", {})
]


@pytest.mark.parametrize("route", READ_AS_JSON, ids=str)
def test_what_one_reads_of_ones_own_is_as_described(route, owner):
    content = route.operation["responses"][200]["content"]
    for path, query, _ in route.requests(owner.ids):
        reply = owner.client.get(path, query_params=query)
        told = b"".join(reply.streaming_content) if reply.streaming else reply.content
        schema = content["application/json"]["schema"] | {"components": route.document["components"]}
        jsonschema_rs.validate(schema, json.loads(told))
        assert reply.status_code == 200


def test_the_samples_reach_what_they_are_meant_for(owner):
    """With their own ids people get their own: else the trial above would prove nothing."""
    found = {
        str(route): send(owner.client, route.method, *next(route.requests(owner.ids)))[:1]
        for route in ROUTES
        if route.method == "get"
    }
    assert {status for (status,) in found.values()} <= {200, 204}
    assert re.search(SECRET_WORDS, send(owner.client, "get", "/api/me/export", {}, None)[2])
