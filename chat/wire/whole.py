"""What is said at once, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse


def reply(body: Mapping[str, Any], headers: Mapping[str, str]) -> HttpResponse:
    """The body as it is. Django's JsonResponse escapes each accent, and takes 15 µs longer."""
    return HttpResponse(_encoded(body), content_type="application/json", headers=headers)


def _encoded(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:  # an AI may say half a surrogate pair
        return json.dumps(body).encode()
