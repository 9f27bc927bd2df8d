"""The lower limit for Django: one view that forwards the message to the AI."""

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
    text = json.loads(request.body)["message"]
    body = {"model": "bench", "messages": [{"role": "user", "content": text}]}
    reply = session.post(f"{os.environ['AI_SERVICE_URL']}/plain/v1/chat/completions", json=body, timeout=30)
    return JsonResponse({"response": reply.json()["choices"][0]["message"]["content"]})


urlpatterns = [path("api/chat/message", message)]
application = WSGIHandler()
