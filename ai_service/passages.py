"""stub"""
from __future__ import annotations
from dataclasses import dataclass

@dataclass(frozen=True, slots=True)
class Passage:
    title: str
    source: str
    text: str
