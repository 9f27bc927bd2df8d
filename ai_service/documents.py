"""stub"""
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Explained:
    text: str
    suggestions: list[str]

def explain(document: str, kind: str, asked: str = "") -> Explained:
    return Explained("Voici ce que dit ce document. " + document[:300], ["Que dois-je faire maintenant ?"])
