"""What of each file of families was read, and the table of it in docs/documents.md.

`python -m tests.chat.documents.files_table` measures all files and writes the table.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from chat.documents.extraction import find_facts
from chat.documents.kinds import detect_kind
from chat.documents.sandbox import readers
from chat.documents.sandbox.limits import Limits
from chat.documents.unreadable import Unreadable
from tests.support.family_files import FILES, FamilyFile

PAGE = Path(__file__).parents[3] / "docs" / "documents.md"
BEGIN, END = "<!-- files -->\n", "<!-- end of files -->"


def outcome_of(file: FamilyFile) -> str:
    """`read whole`, `told: …` or `INCOMPLETE: …`."""
    try:
        data = file.make()
        outcome = readers.read(detect_kind(data), data, Limits(seconds=120, memory_bytes=0, pages=50))
    except Unreadable as error:
        return f"told: `{error.code}`"
    found = {date.iso for date in find_facts(outcome.text).dates}
    missing = [day for day in file.days if dt.date(2026, 5, day).isoformat() not in found]
    told = ", ".join(f"{each.part} {each.page or ''}".strip() + f" `{each.reason}`" for each in outcome.unread)
    if missing and not told:
        return f"INCOMPLETE: without {missing}"
    return f"told: {told}" if told else "read whole"


def main() -> None:
    rows = [f"| {name} | {outcome_of(file)} |\n" for name, file in FILES.items()]
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    table = f"{len(rows)} files.\n\n| file | outcome |\n| --- | --- |\n" + "".join(rows)
    PAGE.write_text(before + BEGIN + table + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
