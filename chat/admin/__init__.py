"""The operators' desk, in Django's admin: circuit breakers, conversations, the knowledge base, API keys."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from chat.admin.api_keys import ApiKeyAdmin
from chat.admin.breakers import BreakerAdmin
from chat.admin.conversations import ConversationAdmin
from chat.admin.knowledge import KnowledgeAdmin

__all__ = ["ApiKeyAdmin", "BreakerAdmin", "ConversationAdmin", "KnowledgeAdmin"]

admin.site.site_header = admin.site.site_title = "chat-bff"
admin.site.index_title = _("Operators’ desk")
