"""Reads settings from the environment and from one file, and reports all problems in one list.

A setting is looked up, in this order, in the environment and in the file that ENV_FILE names (default: .env). In both,
`NAME_FILE` may name a file with the value instead. An empty value means unset. However the program is started,
python-dotenv parses the file: quotes, `export`, comments, CRLF and a byte order mark are understood; `$` is only a
character.

Spaces and one pair of quotes around a value are removed, because some launchers don't interpret quotes
(`docker --env-file`). No value has line breaks, control characters or invisible ones, or is the placeholder of a
template.

Neither pydantic-settings nor django-environ warns about misspelt and renamed names in the environment, or tells where
each value is from; django-environ also stops at the first problem.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import limits

from bff import env_file, renamed_settings
from bff.env_file import Layer, Problem
from observability import logs

T = TypeVar("T")
ENVIRONMENT, DEFAULT = "environment", "default"
TRUE, FALSE = frozenset({"1", "true", "yes", "on", "y", "t"}), frozenset({"0", "false", "no", "off", "n", "f"})
# A longer value in a message might be a secret that was put into the wrong setting.
MAX_QUOTED_CHARACTERS = 12
LIBRARIES = "OTEL_"  # the variables of OpenTelemetry, which a file may have, too
WITHHELD = "(set, withheld)"
NONE = "none"
_SEPARATOR = re.compile(r"""[\s;"']""")
# What no value may have.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")
_TYPOGRAPHIC_QUOTES = re.compile("[“”‘’].*[“”‘’]")
# Such as $(command), ${VARIABLE}, $VARIABLE, {{ variable }} and <your key>: `$` is only a character here.
_PLACEHOLDER = re.compile(r"\$\(.*\)|\$\{[^{}]*\}|\$[A-Z_]+|\{\{.*\}\}|<[^<>]*>")
_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")


class InvalidValue(Exception):
    """An invalid value; the message does not repeat it."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A setting in force: the displayable part of its value, and its origin."""

    name: str
    shown: str
    source: str


@dataclass(frozen=True, slots=True)
class _Found:
    value: str
    source: str
    has_comment: bool


@dataclass
class Environment:
    """A typed view of the values. Problems are collected; for an invalid value the default is returned."""

    layers: tuple[Layer, Layer]
    problems: list[Problem] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    _in_force: dict[str, InForce] = field(default_factory=dict)

    @classmethod
    def load(cls, default_file: Path, environ: MutableMapping[str, str] = os.environ) -> Environment:
        """The environment and the file. Libraries find the file's other variables (OTEL_…) in `environ`."""
        named = environ.get("ENV_FILE", "").strip()
        path = Path(named) if named else default_file
        own = {name: value for name, value in environ.items() if value.strip()}
        file, problems = env_file.read(path, must_exist=bool(named))
        from_file = dict(file.values)
        renamed = [*renamed_settings.copy_to_new_names(own), *renamed_settings.copy_to_new_names(from_file)]
        environment = cls((Layer(ENVIRONMENT, own), replace(file, values=from_file)), problems, renamed)
        for name, value in from_file.items():
            if not own.keys() & {name, f"{name}_FILE", name.removesuffix("_FILE")}:
                environ[name] = value
        return environment

    # --- Types --------------------------------------------------------------------------------------------------------

    def text(self, name: str, default: str = "") -> str:
        return self.parse(name, default, lambda value: value)

    def secret(self, name: str, default: str | None = "", *, min_length: int = 0, example: str = "") -> str:
        """A value that is never shown. With None as default it is required; with `min_length` it signs."""

        if default is None and self._find(name, example) is None and not self._is_reported(name):
            self._report(name, "Is required, unless DEBUG=1, and not set.", example)
        return self.parse(name, default or "", _secret(min_length), secret=True, example=example)

    def secrets(self, name: str, *, min_length: int = 0) -> list[str]:
        """Secrets between commas, without commas, spaces, semicolons and quotes of their own."""

        def parse(value: str) -> str:
            if _SEPARATOR.search(value):
                raise InvalidValue("Has a space, a semicolon or a quote inside; only commas stand between keys.")
            return _secret(min_length)(value)

        return self.items(name, [], parse, secret=True)

    def flag(self, name: str, default: bool) -> bool:
        def parse(value: str) -> bool:
            if value.lower() not in TRUE | FALSE:
                raise InvalidValue("Is neither true nor false.")
            return value.lower() in TRUE

        return self.parse(name, default, parse, example="true", quotes=True)

    def integer(self, name: str, default: int, *, at_least: int = 0, at_most: int | None = None) -> int:
        def parse(value: str) -> int:
            try:
                number = int(value)
            except ValueError:
                raise InvalidValue("Is not a whole number, written without a unit.") from None
            return _in_range(number, at_least, at_most)

        return self.parse(name, default, parse, example=f"{default}", quotes=True)

    def number(self, name: str, default: float, *, above: float | None = None, at_most: float | None = None) -> float:
        """A finite number of 0 or more, or greater than `above`."""

        def parse(value: str) -> float:
            try:
                number = float(value)
            except ValueError:
                number = math.nan
            if not math.isfinite(number):
                raise InvalidValue("Is not a number, written with a point and without a unit.")
            if above is not None and number <= above:
                raise InvalidValue(f"Must be greater than {above:g}.")
            return _in_range(number, 0, at_most)

        return self.parse(name, default, parse, example=f"{default:g}", quotes=True)

    def choice(self, name: str, default: str, choices: Collection[str], also: Mapping[str, str] | None = None) -> str:
        """One of `choices`, in any case. `also` has other spellings."""
        return self.parse(name, default, _choice(choices, also or {}), example=default, quotes=True)

    def items(
        self,
        name: str,
        default: list[str],
        item: Callable[[str], str] = str.strip,
        example: str = "",
        *,
        secret: bool = False,
    ) -> list[str]:
        """Values between commas, each without its spaces and quotes; empty ones and repetitions are left out."""

        def parse(value: str) -> list[str]:
            found = []
            for number, text in enumerate(filter(None, map(_unquoted, _without_brackets(value).split(","))), 1):
                try:
                    found.append(item(text))
                except InvalidValue as error:
                    hint = " Commas separate items." if re.search(r"[\s;|]", text) else ""
                    raise InvalidValue(f"Item {number}: {error}{hint}") from None
            return list(dict.fromkeys(found))

        example = example or ",".join(default)
        return self.parse(name, list(default), parse, example=example, show=",".join, secret=secret)

    def choices(self, name: str, default: list[str], choices: Collection[str]) -> list[str]:
        """Some of `choices`; the word `none` alone is an empty list."""
        found = self.items(name, default, _choice([*choices, NONE], {}), example=",".join(choices))
        if NONE in found and len(found) > 1:
            self._report(name, "Has none beside others.", NONE)
        return [each for each in found if each != NONE]

    def path(self, name: str, default: Path) -> Path:
        return self.parse(name, default, lambda value: Path(value).expanduser())

    def rate(self, name: str, default: str) -> str:
        """One rate in the notation of the limits library, which would itself take the first of several."""

        def parse(value: str) -> str:
            try:
                found = limits.parse_many(value)
            except ValueError:
                raise InvalidValue("Is not a number of requests per second, minute, hour or day.") from None
            if len(found) > 1:
                raise InvalidValue("Has several rates; one is counted.")
            if found[0].amount < 1:
                raise InvalidValue("Is a limit of 0 requests, which would refuse everybody.")
            return value

        return self.parse(name, default, parse, example=default)

    def file_to_write(self, name: str) -> str:
        """The path of a file. Missing folders are created."""

        def parse(value: str) -> str:
            try:
                Path(value).parent.mkdir(parents=True, exist_ok=True)
                is_new = not Path(value).exists()
                Path(value).open("a").close()
                if is_new:
                    logs.leave_to_owner_of_folder(value)
            except OSError:
                raise InvalidValue("Names a file that can't be written.") from None
            return value

        return self.parse(name, "", parse, example="/var/log/chat-bff/chat-bff.log")

    def folder_to_write(self, name: str) -> str:
        """The path of a folder, which is created if missing."""

        def parse(value: str) -> str:
            try:
                Path(value).mkdir(parents=True, exist_ok=True)
            except OSError:
                raise InvalidValue("Names a folder that can't be created.") from None
            if not os.access(value, os.W_OK):
                raise InvalidValue("Names a folder that can't be written.")
            return value

        return self.parse(name, "", parse, example="/run/chat-bff/metrics")

    def parse(  # noqa: PLR0913 the options of a setting, each named
        self,
        name: str,
        default: T,
        parser: Callable[[str], T],
        *,
        example: str = "",
        secret: bool = False,
        show: Callable[[T], str] = str,
        quotes: bool = False,
    ) -> T:
        """The value that `parser` makes of the text; it raises InvalidValue.

        `show` gives what of the value is no secret; with `quotes`, a problem may quote the text.
        """
        found = self._find(name, example)
        value, source = default, DEFAULT
        if found is not None:
            source = found.source
            try:
                value = parser(found.value)
            except InvalidValue as error:
                is_quoted = quotes and len(found.value) <= MAX_QUOTED_CHARACTERS
                hint = (
                    " In the file, what follows a space and # is a comment." if found.has_comment and not quotes else ""
                )
                self._report(name, f'"{found.value}": {error}' if is_quoted else f"{error}{hint}", example)
        shown = (WITHHELD if value else "") if secret else show(value)
        self._in_force[name] = InForce(name, shown, source)
        return value

    # --- Where values came from ---------------------------------------------------------------------------------------

    def is_set(self, name: str) -> bool:
        return self._find(name) is not None

    def in_force(self) -> list[InForce]:
        return sorted(self._in_force.values(), key=lambda setting: setting.name)

    def unknown_names(self) -> dict[str, str]:
        """Names that no setting has, with the setting that each resembles, or "".

        All of the file's, and those of the environment that resemble a setting without a value.
        """
        settings = {*self._in_force, *renamed_settings.NEW_NAMES, "ENV_FILE"}
        known = settings | {f"{name}_FILE" for name in settings}
        unset = {name for name in settings if not self.is_set(name)}
        environment, file = self.layers
        found = {name: _similar(name, unset) for name in environment.values if name not in known}
        found = {name: similar for name, similar in found.items() if similar}
        found |= {name: _similar(name, settings) for name in file.values if name not in known}
        return {name: found[name] for name in sorted(found) if not name.startswith(LIBRARIES)}

    def repeated_names(self) -> list[str]:
        """Names that the file has more than once, with different values."""
        return sorted(self.layers[-1].repeated)

    def stop_if_wrong(self) -> None:
        """End the program, with a list of all problems on stderr."""
        if not self.problems:
            return
        file = self.layers[-1].source
        lines = [f"chat-bff does not start, because {len(self.problems)} of its settings can't be used:"]
        lines += [f"  - {problem}" for problem in sorted(self.problems, key=lambda problem: problem.name)]
        lines += [f"Settings come from the environment, then from {file}. .env.example explains each."]
        sys.exit("\n".join(lines))

    def _find(self, name: str, example: str = "") -> _Found | None:
        """The value, cleaned. Each problem is reported once, however often the value is read."""
        for layer in self.layers:
            value, path = layer.values.get(name, ""), layer.values.get(f"{name}_FILE", "")
            if value and path:
                self._report(name, f"Is set twice: also as {name}_FILE.")
            if value or path:
                text = _unquoted(value) if value else self._read_value(name, _unquoted(path))
                if problem := _defect(text):
                    self._report(name, problem, example)
                    return None
                if text:
                    source = layer.source if value else f"{layer.source}, in {_unquoted(path)}"
                    return _Found(text, source, name in layer.commented)
        return None

    def _read_value(self, name: str, path: str) -> str:
        try:
            return _unquoted(Path(path).read_text(encoding="utf-8-sig"))
        except (OSError, ValueError):  # ValueError: not UTF-8
            self._report(f"{name}_FILE", "Names a file that can't be read as text.")
            return ""

    def _is_reported(self, name: str) -> bool:
        return any(problem.name in (name, f"{name}_FILE") for problem in self.problems)

    def _report(self, name: str, what: str, example: str = "") -> None:
        as_file = f"{name.removesuffix('_FILE')}_FILE=/run/secrets/{name.removesuffix('_FILE').lower()}"
        problem = Problem(name, what, f"{name}={example}" if example else as_file)
        if problem not in self.problems:
            self.problems.append(problem)


def _defect(text: str) -> str:
    """Why no setting may have this value, and how to fix it; empty if it may."""
    if _CONTROL.search(text):
        return (
            "Has a line break or another control character in it. Between double quotes, \\n is one: use single quotes."
        )
    if found := _INVISIBLE.search(text):
        return f"Has an invisible character (U+{ord(found[0]):04X}) in it; type it anew."
    if _TYPOGRAPHIC_QUOTES.fullmatch(text):
        return "Is enclosed in typographic quotes. Use ' or none."
    if _PLACEHOLDER.fullmatch(text):
        return "Is a placeholder that nothing has replaced with the value."
    return ""


def _unquoted(text: str) -> str:
    """Without spaces, and one pair of quotes, around it."""
    text = text.strip().removeprefix("\ufeff")
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1].strip()
    return text


def _without_brackets(text: str) -> str:
    """A list that was written as JSON, or as YAML; not the address [::1]."""
    return text[1:-1] if re.fullmatch(r"\[\s*(['\"]|https?:).*\]", text) else text


def _similar(name: str, settings: Iterable[str]) -> str:
    """The setting that was probably meant, or "". The cutoff spares AI_SERVICE_PORT, which Kubernetes sets."""
    written = name.upper().replace("-", "_").replace(".", "_")
    return next(iter(difflib.get_close_matches(written, settings, n=1, cutoff=0.85)), "")


def _secret(min_length: int) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value.lower().startswith("bearer "):
            raise InvalidValue("Begins with Bearer, which is added to it; write what follows.")
        if min_length and _TOKEN.fullmatch(value):
            raise InvalidValue("Is itself a token, such as a public key of Supabase, not the secret that signs tokens.")
        if len(value) < min_length:
            raise InvalidValue(f"Has {len(value)} characters; it needs {min_length} or more.")
        if not value.isascii():
            raise InvalidValue("Has letters with accents or other characters that no header can carry.")
        return value

    return parse


def _choice(choices: Iterable[str], also: Mapping[str, str]) -> Callable[[str], str]:
    by_lower_case = {choice.lower(): choice for choice in choices} | dict(also)

    def parse(value: str) -> str:
        if value.lower() not in by_lower_case:
            raise InvalidValue(f"Is not one of: {', '.join(choices)}.")
        return by_lower_case[value.lower()]

    return parse


def _in_range(number: T, at_least: float, at_most: float | None) -> T:
    if number < at_least:  # type: ignore[operator]
        raise InvalidValue(f"Must be {at_least:g} or more.")
    if at_most is not None and number > at_most:  # type: ignore[operator]
        raise InvalidValue(f"Must be {at_most:g} or less.")
    return number
