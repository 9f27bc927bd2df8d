"""The pages of this app. bff.urls mounts the API."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from chat.api import information_pages, views

urlpatterns = [
    path("", views.chat_page, name="chat"),
    path("confidentialite", information_pages.information_page, {"name": "privacy"}, name="privacy"),
    path("mentions-legales", information_pages.information_page, {"name": "legal"}, name="legal"),
    path("accessibilite", information_pages.information_page, {"name": "accessibility"}, name="accessibility"),
    path("service-worker.js", views.service_worker, name="service-worker"),
    path("robots.txt", views.robots, name="robots"),
    # Requested by browsers that support no SVG icon, and by clients that do not read the page.
    path("favicon.ico", RedirectView.as_view(url="/static/chat/icon-180.png", permanent=True)),
]
