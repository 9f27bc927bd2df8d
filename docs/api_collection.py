"""Writes docs/chat-bff.postman_collection.json from the OpenAPI document: `make collection`.

Postman, Bruno, Insomnia and Hoppscotch import it. Its variables are the address and a bearer token. To be a visitor,
choose "No auth" and run "Get the CSRF token" first.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import django

FILE = Path(__file__).with_name("chat-bff.postman_collection.json")
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
# Visitors are told apart by a cookie; the token that unsafe methods need is the CSRF cookie's.
SET_CSRF_HEADER = "pm.request.headers.upsert({key: 'X-CSRFToken', value: pm.cookies.get('csrftoken') || ''});"

Json = dict[str, Any]


def collection(schema: Json) -> Json:
    operations = [
        (method, path, operation) for path, methods in schema["paths"].items() for method, operation in methods.items()
    ]
    folders = [
        {"name": tag["description"], "item": [_item(*each) for each in operations if each[2]["tags"] == [tag["name"]]]}
        for tag in schema["tags"]
    ]
    return {
        "info": {"name": schema["info"]["title"], "description": schema["info"]["description"], "schema": SCHEMA},
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}"}]},
        "event": [{"listen": "prerequest", "script": {"type": "text/javascript", "exec": [SET_CSRF_HEADER]}}],
        "variable": [{"key": "base", "value": "http://127.0.0.1:8000"}, {"key": "token", "value": ""}],
        "item": folders,
    }


def _item(method: str, path: str, operation: Json) -> Json:
    path = path.replace("{", ":").replace("}", "")
    parameters = {place: _values(operation, place) for place in ("path", "query")}
    request: Json = {
        "method": method.upper(),
        "description": operation.get("description", ""),
        "url": {
            "raw": "{{base}}" + path,
            "host": ["{{base}}"],
            "path": path.strip("/").split("/"),
            "variable": parameters["path"],
            "query": [value | {"disabled": True} for value in parameters["query"]],
        },
    }
    if "requestBody" in operation:
        example = operation["requestBody"]["content"]["application/json"]["example"]
        request["header"] = [{"key": "Content-Type", "value": "application/json"}]
        request["body"] = {"mode": "raw", "raw": json.dumps(example, ensure_ascii=False, indent=2)}
    return {"name": operation["summary"], "request": request}


def _values(operation: Json, place: str) -> list[Json]:
    return [{"key": each["name"], "value": ""} for each in operation["parameters"] if each["in"] == place]


def as_text(schema: Json) -> str:
    return json.dumps(collection(schema), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff.settings")
    django.setup()

    from bff.urls import api  # after setup

    FILE.write_text(as_text(api.get_openapi_schema()))
