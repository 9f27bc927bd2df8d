"""Reads and validates entries from Markdown files, `fr/SLUG.md` and `en/SLUG.md`: front matter and text.

`amounts.toml` beside these folders has the amounts that the texts use by name.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import frontmatter
import yaml
from django.core.exceptions import ValidationError
from django.utils import timezone, translation

from chat.core.language import Language
from chat.core.question import normalise
from chat.knowledge.amounts import Amounts, AmountsError, read
from chat.models import KnowledgeEntry

BUNDLED = Path(__file__).parents[1] / "knowledge_base"
FIELDS: dict[str, type] = {
    "title": str,
    "topic": str,
    "questions": list,
    "keywords": list,
    "source_name": str,
    "source_url": str,
    "checked_on": dt.date,
}
OPTIONAL_FIELDS: dict[str, type] = {"valid_until": dt.date}
# The shortest answer, in plain words for everybody: it becomes the first paragraph of the text.
BRIEF_FIELD = "en_bref"
_BRIEF = {"fr": "**En bref\N{NO-BREAK SPACE}:** {}", "en": "**In short:** {}"}


class KnowledgeError(Exception):
    """Invalid files. `problems` lists all problems as lines such as `fr/aeeh.md:3: topic: …`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class EntryFile:
    """A file and its entry, which is not saved."""

    path: Path
    entry: KnowledgeEntry


def read_folder(folder: Path) -> list[EntryFile]:
    """All entries below `fr/` and `en/`. Raises KnowledgeError with all problems of all files."""
    files, problems = [], []
    amounts = _amounts(folder / "amounts.toml")
    for path in sorted(folder.glob("*/*.md")):
        try:
            files.append(EntryFile(path, _read(path, amounts)))
        except KnowledgeError as error:
            problems += error.problems
    problems += _duplicate_questions(files)
    if not files and not problems:
        problems.append(f"{folder}: no entries (expected fr/*.md and en/*.md)")
    if problems:
        raise KnowledgeError(problems)
    return files


def _amounts(file: Path) -> Amounts:
    try:
        return Amounts(read(file), timezone.localdate())
    except AmountsError as error:
        raise KnowledgeError([f"{file.name}: {error}"]) from error


def _read(path: Path, amounts: Amounts) -> KnowledgeEntry:
    try:
        source = path.read_text("utf-8")
        fields, text = frontmatter.parse(source)
    except UnicodeDecodeError as error:
        raise KnowledgeError([_problem(path, 1, "not UTF-8")]) from error
    except yaml.MarkedYAMLError as error:
        # The line is counted from 0, starting after the first `---`.
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise KnowledgeError([_problem(path, line, f"broken front matter: {error.problem}")]) from error
    _raise_for(path, source, _field_errors(fields))
    brief = fields.pop(BRIEF_FIELD)
    entry = KnowledgeEntry(slug=path.stem, language=path.parent.name, text=text, **fields)
    _raise_for(path, source, _value_errors(entry))
    text = f"{_BRIEF[entry.language].format(brief)}\n\n{text}"
    try:
        filled = amounts.fill(text, cast("Language", entry.language))
    except AmountsError as error:
        raise KnowledgeError([_problem(path, _line_of("{{", source), str(error))]) from error
    entry.text = filled.text
    entry.valid_until = min(filter(None, (entry.valid_until, filled.valid_until)), default=None)
    return entry


def _raise_for(path: Path, source: str, errors: Iterable[tuple[str, str]]) -> None:
    if problems := [_problem(path, _line_of(f"{name}:", source), f"{name}: {message}") for name, message in errors]:
        raise KnowledgeError(problems)


def _field_errors(fields: dict[str, Any]) -> Iterator[tuple[str, str]]:
    required = FIELDS | {BRIEF_FIELD: str}
    for name in fields.keys() - required.keys() - OPTIONAL_FIELDS.keys():
        yield name, "unknown field"
    for name, kind in (required | OPTIONAL_FIELDS).items():
        if name not in fields:
            if name in required:
                yield name, "missing"
        elif not isinstance(fields[name], kind):
            yield name, f"expected {kind.__name__}, got {type(fields[name]).__name__}"
        elif kind is list and not all(isinstance(item, str) and item.strip() for item in fields[name]):
            yield name, "expected a list of texts"


def _value_errors(entry: KnowledgeEntry) -> Iterator[tuple[str, str]]:
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


def _duplicate_questions(files: list[EntryFile]) -> Iterator[str]:
    first: dict[tuple[str, str], Path] = {}
    for file in files:
        for question in file.entry.questions:
            key = (file.entry.language, normalise(question))
            if key in first:
                line = _line_of(question, file.path.read_text("utf-8"))
                yield _problem(file.path, line, f'questions: "{question}" is also in {_relative(first[key])}')
            first.setdefault(key, file.path)


def _line_of(fragment: str, source: str) -> int:
    """The number of the first line with the fragment, from 1; 1 when there is none."""
    return next((number for number, line in enumerate(source.splitlines(), 1) if fragment in line), 1)


def _problem(path: Path, line: int, message: str) -> str:
    return f"{_relative(path)}:{line}: {message}"


def _relative(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
