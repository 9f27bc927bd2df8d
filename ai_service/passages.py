"""Passages of text that answers rest on, and the points they make."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ai_service.words import folded, sentences_of, stems_of

# A sentence that begins like this says little without the one before it ("Demandée à temps, elle …").
LEANING = re.compile(
    r"(elles?|ils?|on|cela|ca|celui|celle|ce|ces|cette|cet|sinon|ensuite|puis|alors|mais|et|ou|dans ce cas|en revanche"
    r"|it|they|this|these|that|then|but|and|or|otherwise|he|she)\b"
    r"|(?!si\b|quand\b|lorsqu|pour\b)[^,]{1,60}, (elle|il)s?\b"
)
# A heading that begins like this holds only for some of those who ask.
CONDITION = re.compile(r"(si|en cas|apres|if|after)\b")


@dataclass(frozen=True, slots=True)
class Passage:
    """A text in Markdown, and where it comes from."""

    title: str
    source: str
    text: str

    @property
    def stems(self) -> frozenset[str]:
        return _stems(f"{self.title} {self.text}")


@dataclass(frozen=True, slots=True)
class Point:
    """One sentence or list item. `intro` is the heading or line that leads a list in; `block` numbers the paragraph."""

    text: str
    place: int
    block: int
    is_item: bool = False
    intro: str = ""
    heading: str = ""

    @property
    def leans(self) -> bool:
        return not self.is_item and bool(LEANING.match(folded(self.text)))

    @property
    def is_conditional(self) -> bool:
        return bool(CONDITION.match(folded(self.heading)))

    @property
    def stems(self) -> frozenset[str]:
        return _stems(self.text)

    @property
    def context_stems(self) -> frozenset[str]:
        return _stems(f"{self.heading} {self.intro}")


@lru_cache(maxsize=256)
def points_of(passage: Passage) -> tuple[Point, ...]:
    """The passage cut into points, in their order."""
    points: list[Point] = []
    heading = intro = ""
    for block, lines in enumerate(_blocks(passage.text)):
        if lines[0].startswith("#"):
            heading, intro = lines[0].lstrip("# "), ""
        elif lines[0].startswith(("- ", "* ")):
            items = [line[2:].strip() for line in lines]
            points += [
                Point(item, len(points) + i, block, True, intro or heading, heading) for i, item in enumerate(items)
            ]
        else:
            sentences = sentences_of(" ".join(lines))
            intro = sentences.pop() if sentences[-1].endswith(":") else ""
            points += [Point(text, len(points) + i, block, False, "", heading) for i, text in enumerate(sentences)]
    return tuple(points)


def _blocks(text: str) -> list[list[str]]:
    """Runs of lines of one kind: a heading, a list (an item's further lines joined to it), a paragraph."""
    blocks: list[list[str]] = []
    kind = ""
    for line in text.splitlines():
        stripped = line.strip()
        now = _kind(stripped)
        if now == "text" and kind == "list" and line.startswith("  "):
            blocks[-1][-1] += f" {stripped}"
            continue
        if now and now != "heading" and now == kind:
            blocks[-1].append(stripped)
        elif now:
            blocks.append([stripped])
        kind = now
    return blocks


def _kind(line: str) -> str:
    if not line:
        return ""
    if line.startswith("#"):
        return "heading"
    return "list" if line.startswith(("- ", "* ")) else "text"


@lru_cache(maxsize=16_384)
def _stems(text: str) -> frozenset[str]:
    return frozenset(stems_of(text))
