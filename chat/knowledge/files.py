"""The bundled entries: one Markdown file each, `fr/SLUG.md` and `en/SLUG.md`, front matter and text."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import frontmatter
import yaml
from django.core.exceptions import ValidationError
from django.utils import translation

from chat.models import KnowledgeEntry
from chat.questions import Language, normalise

BUNDLED = Path(__file__).parent.parent / "knowledge_base"
FIELDS: dict[str, type] = {
    "title": str,
    "topic": str,
    "questions": list,
    "keywords": list,
    "source_name": str,
    "source_url": str,
    "checked_on": dt.date,
}


class KnowledgeError(Exception):
    """Files that can't be used. `problems` are lines such as `fr/aeeh.md:3: topic: …`, all that were found."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class EntryFile:
    """One file and the entry it holds, not saved."""

    path: Path
    entry: KnowledgeEntry


def read_folder(folder: Path) -> list[EntryFile]:
    """Every entry below `fr/` and `en/`. Raises KnowledgeError with every problem of every file."""
    files, problems = [], []
    for path in sorted(folder.glob("*/*.md")):
        try:
            files.append(EntryFile(path, _read(path)))
        except KnowledgeError as error:
            problems += error.problems
    problems += _questions_asked_twice(files)
    if not files and not problems:
        problems.append(f"{folder}: no entries (expected fr/*.md and en/*.md)")
    if problems:
        raise KnowledgeError(problems)
    return files


def _read(path: Path) -> KnowledgeEntry:
    try:
        source = path.read_text("utf-8")
        fields, text = frontmatter.parse(source)
    except UnicodeDecodeError as error:
        raise KnowledgeError([_problem(path, 1, "not UTF-8")]) from error
    except yaml.MarkedYAMLError as error:
        # Its line counts from 0, and from the line after the first `---`.
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise KnowledgeError([_problem(path, line, f"broken front matter: {error.problem}")]) from error
    _refuse(path, source, _wrong_fields(fields))
    entry = KnowledgeEntry(slug=path.stem, language=path.parent.name, text=text, **fields)
    _refuse(path, source, _wrong_values(entry))
    return entry


def _refuse(path: Path, source: str, wrong: Iterable[tuple[str, str]]) -> None:
    if problems := [_problem(path, _line_of(f"{name}:", source), f"{name}: {what}") for name, what in wrong]:
        raise KnowledgeError(problems)


def _wrong_fields(fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name in fields.keys() - FIELDS.keys():
        yield name, "unknown field"
    for name, kind in FIELDS.items():
        if name not in fields:
            yield name, "missing"
        elif not isinstance(fields[name], kind):
            yield name, f"expected {kind.__name__}, got {type(fields[name]).__name__}"
        elif kind is list and not all(isinstance(item, str) and item.strip() for item in fields[name]):
            yield name, "expected a list of texts"


def _wrong_values(entry: KnowledgeEntry) -> Iterator[tuple[str, str]]:
    if entry.language not in get_args(Language):
        yield "language", "the folder must be fr or en"
    elif not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.slug):
        yield "slug", "the file name must be lower-case ASCII words and hyphens"
    else:
        with translation.override("en"):
            try:
                entry.clean_fields()
            except ValidationError as error:
                yield from ((name, " ".join(messages)) for name, messages in error.message_dict.items())


def _questions_asked_twice(files: list[EntryFile]) -> Iterator[str]:
    first: dict[tuple[str, str], Path] = {}
    for file in files:
        for question in file.entry.questions:
            key = (file.entry.language, normalise(question))
            if key in first:
                line = _line_of(question, file.path.read_text("utf-8"))
                yield _problem(file.path, line, f'questions: "{question}" is also in {_short(first[key])}')
            first.setdefault(key, file.path)


def _line_of(words: str, source: str) -> int:
    """The line, from 1, that a field or a question stands on; 1 when it isn't there."""
    return next((number for number, line in enumerate(source.splitlines(), 1) if words in line), 1)


def _problem(path: Path, line: int, what: str) -> str:
    return f"{_short(path)}:{line}: {what}"


def _short(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
