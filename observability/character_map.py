"""A table for `str.translate` that maps each character by a rule, and every character to one character."""

from __future__ import annotations

from collections.abc import Callable


class CharacterMap(dict[int, str]):
    """Remembers what `rule` returned, for a limited number of characters, which bounds its memory."""

    MAX_REMEMBERED = 4096

    def __init__(self, rule: Callable[[str], str]) -> None:
        super().__init__()
        self._rule = rule

    def __missing__(self, code: int) -> str:
        mapped = self._rule(chr(code))
        if len(self) < self.MAX_REMEMBERED:
            self[code] = mapped
        return mapped
