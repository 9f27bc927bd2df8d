"""Writes the stored figures into docs/performance.md and its chart.

Generated tables stand between `<!-- bench: name -->` and `<!-- end -->`; all other text is written by hand.
"""

from __future__ import annotations

import re
from contextlib import suppress

from benchmarks.reports import charts, sections
from benchmarks.reports.figures import ROOT, Figures

FILE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "images" / "performance.svg"
_PLACEHOLDER = re.compile(r"(<!-- bench: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def write(figures: Figures) -> None:
    FILE.write_text(fill(FILE.read_text(), tables_of(figures)))
    CHART.write_text(charts.draw(figures))


def fill(text: str, tables: dict[str, str]) -> str:
    """Replace the content of each placeholder that has a table."""

    def replace(placeholder: re.Match[str]) -> str:
        begin, name, old, end = placeholder.groups()
        return f"{begin}{tables[name]}\n{end}" if name in tables else f"{begin}{old}{end}"

    return _PLACEHOLDER.sub(replace, text)


def tables_of(figures: Figures) -> dict[str, str]:
    """All tables that these figures allow, by the name of their placeholder."""
    tables = {"measured": _measured(figures)}
    for part, builders in sections.BY_PART.items():
        if part in figures:
            tables |= {name: build(figures) for name, build in builders.items()}
    for name, build in sections.COMBINED.items():
        with suppress(KeyError, StopIteration):  # it needs a part that was not measured
            tables[name] = build(figures)
    return tables


def _measured(figures: Figures) -> str:
    return "\n".join(f"- {part}: {of['when']}, {of['machine']}" for part, of in sorted(figures.items()))
