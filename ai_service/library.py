"""stub"""
from __future__ import annotations
from pathlib import Path
from typing import Any

class Library:
    def __init__(self, folder: Path | None) -> None: ...
    def search(self, question: str, language: str, earlier: list[str]) -> list[Any]:
        return []
