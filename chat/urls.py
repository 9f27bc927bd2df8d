"""The pages of this app; its API is mounted by the project."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from chat import views

urlpatterns = [
    path("", views.chat_page, name="chat"),
    path("robots.txt", views.robots, name="robots"),
    # Asked for by browsers that know no SVG, and by whoever looks at no page.
    path("favicon.ico", RedirectView.as_view(url="/static/chat/icon-180.png", permanent=True)),
]
