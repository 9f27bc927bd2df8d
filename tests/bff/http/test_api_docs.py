"""The OpenAPI document, as /api/docs shows it: every operation has a summary and an example request that works."""

from __future__ import annotations

import json
import re
import runpy

import pytest

from bff.http import openapi_examples
from bff.urls import api
from tests.support.services import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

OPERATIONS = {
    f"{method} {path}": operation
    for path, methods in api.get_openapi_schema()["paths"].items()
    for method, operation in methods.items()
}


def test_every_operation_has_a_summary_and_every_body_an_example():
    for operation in OPERATIONS.values():
        default = operation["operationId"].replace("_", " ").title()  # ends with the view's name, as ninja's summaries
        assert not default.endswith(operation["summary"]), default
    assert {name for name, operation in OPERATIONS.items() if "requestBody" in operation} == set(
        openapi_examples.REQUESTS
    )


def test_the_document_has_the_openai_routes_with_their_own_error_shape():
    refused = OPERATIONS["post /v1/chat/completions"]["responses"][429]["content"]
    assert refused == {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    assert {"Problem", "Error"} <= set(api.get_openapi_schema()["components"]["schemas"])


def test_every_response_names_its_headers():
    for operation in OPERATIONS.values():
        assert all("X-Correlation-ID" in response["headers"] for response in operation["responses"].values())
        assert "Retry-After" in operation["responses"][429]["headers"]
    answer = OPERATIONS["post /api/chat/message"]["responses"][200]["headers"]
    assert {"X-Cache", "X-Degraded", "Server-Timing"} <= set(answer)
    assert "X-Cache" not in OPERATIONS["get /api/chat/history"]["responses"][200]["headers"]


@pytest.mark.parametrize("name", [name for name in openapi_examples.REQUESTS if "{" not in name])
def test_an_example_can_be_sent_as_it_is(visitor, ai, name):
    method, path = name.split()
    reply = visitor.generic(method.upper(), path, json.dumps(openapi_examples.REQUESTS[name]), "application/json")
    expected = 404 if "feedback" in name else 200  # the example's message does not exist
    assert reply.status_code == expected, reply.content


def test_the_collection_is_the_one_of_this_document():
    generator = runpy.run_path(str(ROOT / "docs" / "api_collection.py"))
    assert generator["FILE"].read_text() == generator["as_text"](api.get_openapi_schema())


def test_the_documentation_page_has_a_csrf_token(visitor):
    page = visitor.get("/api/docs")
    token = re.search(r'data-csrf-token="(\w+)"', page.content.decode())
    assert token is not None
    assert "csrftoken" in page.cookies
