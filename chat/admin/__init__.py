"""The Django admin for operators: circuit breakers, conversations, the knowledge base, API keys."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.admin.accounts import AccountAdmin, RoleAdmin
from chat.admin.api_keys import ApiKeyAdmin
from chat.admin.breakers import BreakerAdmin
from chat.admin.conversations import ConversationAdmin
from chat.admin.knowledge import KnowledgeAdmin
from chat.admin.readings import ReadingAdmin

__all__ = [
    "AccountAdmin",
    "ApiKeyAdmin",
    "BreakerAdmin",
    "ConversationAdmin",
    "KnowledgeAdmin",
    "ReadingAdmin",
    "RoleAdmin",
]

admin.site.site_header = admin.site.site_title = "chat-bff"
admin.site.index_title = _("Operators’ desk")
