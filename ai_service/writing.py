"""stub"""
from __future__ import annotations
from ai_service.passages import Passage

def answer(question: str, passages: list[Passage], earlier: list[str] | None = None) -> str:
    if not passages:
        return "Je n'ai pas trouvé de quoi vous répondre. La MDPH de votre département, ou le 0 800 360 360, pourront vous aider."
    return "Voici ce que je peux vous dire. " + passages[0].text.split("\n\n")[0] + " [1]"
