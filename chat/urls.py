"""The pages of this app; its API is mounted by the project."""

from __future__ import annotations

from django.urls import path

from chat import views

urlpatterns = [
    path("", views.chat_page, name="chat"),
    path("robots.txt", views.robots, name="robots"),
]
