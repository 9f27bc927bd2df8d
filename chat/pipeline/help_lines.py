"""Telephone help lines, and the notice that precedes the answer to a question that shows distress.

Numbers and texts are in a TOML file in both languages: `HELP_LINES_FILE`, or the bundled one for France. Another
country needs another file, and its own offices and numbers in distress_topics.py. The file is read once, when the
process starts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Self, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from chat import knowledge
from chat.core import phone_numbers
from chat.core.language import Language
from chat.pipeline import distress
from chat.pipeline.distress_topics import Distress, NoticeTopic

BUNDLED = Path(__file__).with_suffix(".toml")
BROADER: Mapping[str, NoticeTopic] = {"unreachable": "suicide", "reminder": "suicide", "hurt_child": "losing_control"}

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]( ?[0-9]){1,14}$")]


@dataclass(frozen=True, slots=True)
class HelpLine:
    """A telephone number and its purpose; `by_text` if it takes text messages only."""

    number: str
    name: str
    by_text: bool = False

    @property
    def address(self) -> str:
        """The URL that calls the number, or writes to it."""
        return f"{'sms' if self.by_text else 'tel'}:{self.number.replace(' ', '')}"


def all_lines(language: Language) -> list[HelpLine]:
    """All help lines, the most urgent first."""
    return [HelpLine(line.number, line.text_in(language), line.by_text) for line in load().line]


def numbers_to_call() -> frozenset[str]:
    """The only numbers that an answer may link to, because anybody may write any number into an answer: those of the
    help lines and of the knowledge base, as they are dialled within France.
    """
    return knowledge.current().telephone_numbers.union(phone_numbers.dialled(line.number) for line in load().line)


def as_markdown(language: Language) -> str:
    """All help lines as a Markdown list."""
    return _markdown(_configured_file(), language)


def named_in(text: str, language: Language) -> str:
    """The help lines that a notice names, in its order, as a Markdown list."""
    places = ((text.find(_in_notice(line)), line) for line in load().line)
    named = sorted((place for place in places if place[0] >= 0), key=itemgetter(0))
    return _as_list((line for _, line in named), language)


def everyday(language: Language) -> str:
    """The few help lines for whoever is not in danger, the least urgent first; all if the file marks none."""
    lines = load().line
    return _as_list([line for line in reversed(lines) if line.everyday] or lines, language)


def notice_topics(kinds: Sequence[Distress], text: str) -> tuple[NoticeTopic, ...]:
    """What the notices for these kinds in this message are about, of those that the file has."""
    return distress.notice_topics(kinds, text, has_young="young" in load().kind)


def notice(topics: Iterable[NoticeTopic], language: Language) -> str:
    """The text to show before the answer, empty for no topic."""
    return "\n\n".join(dict.fromkeys(load().notice(topic).text_in(language) for topic in topics))


def notice_beginnings() -> list[str]:
    """How the notices on distress begin, of all kinds and in all languages: the page recognises an answer by them.

    A page opened before a change of texts, and answers of kept conversations, have the former ones.
    """
    file = load()
    return [text[:60] for notice in (file.distress, *file.kind.values()) for _, text in notice]


def load() -> _File:
    """The configured file. Raises ImproperlyConfigured with the file's name and its errors."""
    return _read(_configured_file())


def _configured_file() -> str | Path:
    return settings.HELP_LINES_FILE or BUNDLED


class _Translated(BaseModel):
    """A text in each supported language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fr: Text
    en: Text

    def text_in(self, language: Language) -> str:
        return self.fr if language == "fr" else self.en


class _Line(_Translated):
    number: Number
    by_text: bool = False
    everyday: bool = False


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    distress: _Translated
    kind: dict[NoticeTopic, _Translated] = {}
    line: Annotated[list[_Line], Field(min_length=1)]

    def notice(self, topic: NoticeTopic) -> _Translated:
        """The notice on this topic; if the file has none for it, that of its broader kind, or the general one."""
        by_name = cast("Mapping[str, _Translated]", self.kind)
        return by_name.get(topic) or by_name.get(BROADER.get(topic, "")) or self.distress

    @model_validator(mode="after")
    def _notices_name_a_number(self) -> Self:
        by_kind = ((f"kind.{kind}", notice) for kind, notice in self.kind.items())
        for name, notice in [("distress", self.distress), *by_kind]:
            for language, text in notice:
                if not any(_in_notice(line) in text for line in self.line):
                    raise ValueError(f"{name}.{language} must name one of the numbers, as in **{self.line[0].number}**")
        return self


@cache
def _read(file: str | Path) -> _File:
    try:
        return _File.model_validate(tomllib.loads(Path(file).read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ImproperlyConfigured(f"HELP_LINES_FILE: {file} can't be read: {error}") from error
    except ValidationError as error:
        details = "; ".join(f"{'.'.join(map(str, row['loc']))} {row['msg']}".strip() for row in error.errors())
        raise ImproperlyConfigured(f"HELP_LINES_FILE: {file}: {details}") from error


@cache
def _markdown(file: str | Path, language: Language) -> str:
    return _as_list(_read(file).line, language)


def _as_list(lines: Iterable[_Line], language: Language) -> str:
    return "\n".join(f"- **{line.number}** – {line.text_in(language)}" for line in lines)


def _in_notice(line: _Line) -> str:
    return f"**{line.number}**"
