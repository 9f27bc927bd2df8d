"""Whom to call, always one tap away, and what is said first when a question sounds like distress.

The numbers and their words stand in a file in both languages, `HELP_LINES_FILE` or the bundled one for France: whoever
serves another country changes no code. It is read once, when the process starts.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from chat import distress
from chat.questions import Language

BUNDLED = Path(__file__).with_suffix(".toml")

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]( ?[0-9]){1,14}$")]


@dataclass(frozen=True, slots=True)
class HelpLine:
    """One number, and what it is for."""

    number: str
    name: str


def all_lines(language: Language) -> list[HelpLine]:
    """All of them, the most urgent first."""
    return [HelpLine(line.number, line.said_in(language)) for line in load().line]


def as_markdown(language: Language) -> str:
    """All of them as a Markdown list."""
    return "\n".join(f"- **{line.number}** – {line.name}" for line in all_lines(language))


def called_for(question: str, language: Language) -> str:
    """What must be said before anything else when a question sounds like distress; empty when it doesn't."""
    return load().distress.said_in(language) if distress.is_heard(question) else ""


def load() -> _File:
    """The file in force. Raises ImproperlyConfigured with the file's name and what is wrong in it."""
    return _read(Path(settings.HELP_LINES_FILE or BUNDLED))


class _Said(BaseModel):
    """Something in every language that people are answered in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fr: Words
    en: Words

    def said_in(self, language: Language) -> str:
        return self.fr if language == "fr" else self.en


class _Line(_Said):
    number: Number


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    distress: _Said
    line: Annotated[list[_Line], Field(min_length=1)]

    @model_validator(mode="after")
    def _distress_names_a_number(self) -> Self:
        for language, said in self.distress:
            if not any(f"**{line.number}**" in said for line in self.line):
                raise ValueError(f"distress.{language} must name one of the numbers, as in **{self.line[0].number}**")
        return self


@cache
def _read(file: Path) -> _File:
    try:
        return _File.model_validate(tomllib.loads(file.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ImproperlyConfigured(f"HELP_LINES_FILE: {file} can't be read: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, row['loc']))} {row['msg']}".strip() for row in error.errors())
        raise ImproperlyConfigured(f"HELP_LINES_FILE: {file}: {wrong}") from error
