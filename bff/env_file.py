"""Reads a file of lines `NAME=value`, such as .env, with python-dotenv's parser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from dotenv.parser import Binding, parse_stream

NUL = "\0"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem with the setting or file `name`, and an example of a correct line."""

    name: str
    what: str
    example: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what} Example: {self.example}"


@dataclass(frozen=True, slots=True)
class Layer:
    """One place with values: the environment, or the file."""

    source: str
    values: Mapping[str, str]
    commented: frozenset[str] = frozenset()  # names whose value is followed by a comment
    repeated: frozenset[str] = frozenset()  # names with several values


def read(path: Path, *, must_exist: bool) -> tuple[Layer, list[Problem]]:
    """The values in the file, the last one of each name, and its lines that can't be read."""
    source = str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        missing = [Problem("ENV_FILE", "Names a file that doesn't exist.", "ENV_FILE=/etc/chat-bff/env")]
        return Layer(source, {}), missing if must_exist else []
    except (OSError, ValueError):  # ValueError: not UTF-8
        text = NUL
    if NUL in text:  # as in UTF-16; no variable can have it
        return Layer(source, {}), [Problem(source, "Can't be read as text in UTF-8.", "NAME='any value'")]
    bindings = [binding for binding in parse_stream(StringIO(text)) if binding.error or binding.key]
    values: dict[str, str] = {}
    commented, repeated = set(), set()
    for binding in bindings:
        if binding.key and binding.value and binding.value.strip():
            if values.get(binding.key, binding.value) != binding.value:
                repeated.add(binding.key)
            values[binding.key] = binding.value
            if f"{binding.value} #" in binding.original.string:
                commented.add(binding.key)
    problems = [
        Problem(source, f"Line {_line(binding)} is not NAME=value.", "NAME='any value'")
        for binding in bindings
        if binding.error or binding.value is None
    ]
    return Layer(source, values, frozenset(commented), frozenset(repeated)), problems


def _line(binding: Binding) -> int:
    """The number of its line; the text of a binding begins with the empty lines above it."""
    text = binding.original.string
    return int(binding.original.line) + len(text) - len(text.lstrip("\r\n"))
