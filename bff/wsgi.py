"""The WSGI application that gunicorn serves."""

from __future__ import annotations

import os

import django
from django.core.wsgi import get_wsgi_application

from observability import tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff.settings")

django.setup()
tracing.start()  # before the middlewares are chosen
application = get_wsgi_application()
