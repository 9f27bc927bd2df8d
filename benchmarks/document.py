"""docs/performance.md and its picture, brought up to the figures last measured.

What a section's figures say stands between `<!-- bench: name -->` and `<!-- end -->`; all else is written by hand.
"""

from __future__ import annotations

import re
from contextlib import suppress

from benchmarks import bars, report
from benchmarks.figures import ROOT, Figures

FILE = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "images" / "performance.svg"
_PLACE = re.compile(r"(<!-- bench: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def write(figures: Figures) -> None:
    FILE.write_text(filled(FILE.read_text(), sections(figures)))
    PICTURE.write_text(bars.picture(figures))


def filled(text: str, tables: dict[str, str]) -> str:
    """The text with each table in its place; a place without a table keeps what it had."""

    def fill(place: re.Match[str]) -> str:
        begin, name, old, end = place.groups()
        return f"{begin}{tables[name]}\n{end}" if name in tables else f"{begin}{old}{end}"

    return _PLACE.sub(fill, text)


def sections(figures: Figures) -> dict[str, str]:
    """All tables that can be made from these figures, by the names of their places."""
    found = {"measured": _measured(figures)}
    for part, tables in report.SECTIONS.items():
        if part in figures:
            found |= {name: make(figures) for name, make in tables.items()}
    for name, make in report.CONCLUSIONS.items():
        with suppress(KeyError, StopIteration):  # it needs a part that was not measured
            found[name] = make(figures)
    return found


def _measured(figures: Figures) -> str:
    return "\n".join(f"- {part}: {of['when']}, {of['machine']}" for part, of in sorted(figures.items()))
