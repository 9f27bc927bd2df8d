"""The WSGI application that gunicorn serves."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff.settings")

application = get_wsgi_application()

from observability import vitals  # noqa: E402 the settings have told by now where to count

vitals.begin()
