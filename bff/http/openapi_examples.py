"""An example request of each operation, for the OpenAPI document.

/api/docs offers the requests under "Try it out". Examples with an id need one of the reader's own.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

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
    "post /api/chat/{conversation_id}/stop": {"messageId": _MESSAGE_ID},
    "delete /api/chat/reset": {},
    "post /api/chat/feedback": {"messageId": _MESSAGE_ID, "rating": "down", "reason": "unclear"},
    "post /api/chat/analyze-document": {"document": _LETTER, "documentType": "mdph", "fileName": "notification.txt"},
    "post /v1/chat/completions": {"model": "any", "messages": [{"role": "user", "content": _QUESTION}]},
}
