"""A summary and an example request of each operation, for the OpenAPI document.

/api/docs offers the requests under "Try it out". Examples with an id need one of the reader's own.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

SUMMARIES = {
    "post /api/chat/message": "Ask, and get the whole answer",
    "post /api/chat/stream": "Ask, and get the answer as a stream",
    "get /api/chat/{conversation_id}/stream": "Resume an answer that is being written",
    "post /api/chat/{conversation_id}/stop": "Stop an answer",
    "get /api/chat/conversations": "List conversations",
    "post /api/chat/conversations/search": "Search conversations",
    "patch /api/chat/conversations/{conversation_id}": "Rename a conversation",
    "get /api/chat/history": "List the messages of a conversation",
    "delete /api/chat/reset": "Delete one or all conversations",
    "post /api/chat/feedback": "Rate an answer",
    "get /api/chat/csrf": "Get the CSRF token",
    "post /api/chat/claim": "Take over the conversations of a visitor",
    "post /api/chat/analyze-document": "Have a document explained",
    "get /api/me/export": "Export one's own data",
    "delete /api/me": "Delete one's own data",
    "post /v1/chat/completions": "Complete a chat, as OpenAI does",
    "get /v1/models": "List the models",
}
TAGS = [
    {"name": "chat", "description": "Questions, answers, documents and conversations"},
    {"name": "me", "description": "One's own data"},
    {"name": "openai", "description": "The same answers for OpenAI's clients. Errors have OpenAI's shape"},
]

_QUESTION = "Comment demander l’AEEH pour mon enfant ?"
_LETTER = "Notification de la MDPH. Vous pouvez contester cette décision avant le 15 mai 2027. Montant : 153,01 €."
_MESSAGE_ID = "0b7c2f2e-5d0f-4c59-9d0f-1f1f0c9f7a11"
REQUESTS: dict[str, Json] = {
    "post /api/chat/message": {"message": _QUESTION},
    "post /api/chat/stream": {"message": _QUESTION},
    "post /api/chat/conversations/search": {"search": "AEEH"},
    "patch /api/chat/conversations/{conversation_id}": {"title": "L’AEEH de Léa"},
    "delete /api/chat/reset": {},
    "post /api/chat/feedback": {"messageId": _MESSAGE_ID, "rating": "down", "reason": "unclear"},
    "post /api/chat/analyze-document": {"document": _LETTER, "documentType": "mdph", "fileName": "notification.txt"},
    "post /v1/chat/completions": {"model": "any", "messages": [{"role": "user", "content": _QUESTION}]},
}
