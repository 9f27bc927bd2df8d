"""The floor: one Django view that passes the message on and does nothing else that chat-bff does."""

from __future__ import annotations

import json
import os

import requests
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, JsonResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="bench", MIDDLEWARE=[], LOGGING_CONFIG=None)
session = requests.Session()
session.trust_env = False


def message(request: HttpRequest) -> JsonResponse:
    said = json.loads(request.body)["message"]
    body = {"model": "bench", "messages": [{"role": "user", "content": said}]}
    reply = session.post(f"{os.environ['AI_SERVICE_URL']}/plain/v1/chat/completions", json=body, timeout=30)
    return JsonResponse({"response": reply.json()["choices"][0]["message"]["content"]})


urlpatterns = [path("api/chat/message", message)]
application = WSGIHandler()
