"""The WSGI application that gunicorn serves."""

from __future__ import annotations

import os

import django
from django.core.cache import close_caches
from django.core.signals import request_finished
from django.core.wsgi import get_wsgi_application

from bff.http.request_bodies import with_limited_bodies
from observability import tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff.settings")

django.setup()
tracing.start()  # before the middlewares are loaded
application = with_limited_bodies(get_wsgi_application())
# django-redis keeps its connections open by default, so that there is nothing to close after a request. Checking
# costs 20 µs.
request_finished.disconnect(close_caches)
