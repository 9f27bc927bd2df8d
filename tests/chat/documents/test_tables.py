"""Tables in Word, OpenDocument and web pages: a row is one line, unless its cells hold paragraphs of a letter."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import docx
import pytest

from chat.documents import extraction
from chat.documents.sandbox import readers
from chat.documents.sandbox.limits import Limits
from tests.support.family_file_factories import open_document
from tests.support.growth import assert_linear

LIMITS = Limits(60, 1 << 30, 50)
Rows = Sequence[Sequence[str]]  # the paragraphs of a cell are divided by line ends
HEAD = ("MDPH de l'Essonne", "Évry, le 12 mars 2026", "Madame,")


def in_word(rows: Rows) -> str:
    document = docx.Document()
    for line in HEAD:
        document.add_paragraph(line)
    table = document.add_table(0, len(rows[0]))
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            first, *others = text.split("\n")
            cell.paragraphs[0].text = first
            for other in others:
                cell.add_paragraph(other)
    return text_of(document)


def text_of(document: Any) -> str:
    buffer = io.BytesIO()
    document.save(buffer)
    return readers.read("word", buffer.getvalue(), LIMITS).text


def in_open_document(rows: Rows) -> str:
    body = "".join(f"<text:p>{line}</text:p>" for line in HEAD)
    for row in rows:
        cells = ("".join(f"<text:p>{line}</text:p>" for line in cell.split("\n")) for cell in row)
        row_of_cells = "".join(f"<table:table-cell>{cell}</table:table-cell>" for cell in cells)
        body += f"<table:table><table:table-row>{row_of_cells}</table:table-row></table:table>"
    return readers.read("odt", open_document(body), LIMITS).text


both = pytest.mark.parametrize("read", [in_word, in_open_document])


@both
def test_a_row_keeps_its_label(read: Callable[[Rows], str]) -> None:
    text = read([("N° de dossier", "91-2025-0045"), ("Date limite de retour des pièces", "12/05/2026")])
    assert "N° de dossier\t91-2025-0045\nDate limite de retour des pièces\t12/05/2026" in text
    found = extraction.find_facts(text)
    assert "2026-05-12" in [date.iso for date in found.dates if date.kind == "deadline"]
    assert [reference.text for reference in found.references] == ["91-2025-0045"]


@both
def test_the_head_of_a_column_tells_what_its_days_are(read: Callable[[Rows], str]) -> None:
    text = read([("Prestation", "Décision", "Date de fin"), ("AEEH", "Accord", "31/08/2028")])
    kinds = {date.iso: date.kind for date in extraction.find_facts(text).dates}
    assert kinds["2028-08-31"] == "end_of_rights"


@both
def test_a_phrase_over_two_paragraphs_of_a_cell_is_one(read: Callable[[Rows], str]) -> None:
    assert "Date limite de retour des pièces (au plus tard)\t12/05/2026" in read(
        [("Date limite de retour\ndes pièces\n(au plus tard)", "12/05/2026")]
    )


@both
def test_an_empty_cell_keeps_its_column(read: Callable[[Rows], str]) -> None:
    assert "AEEH\t\t31/08/2028" in read([("AEEH", "", "31/08/2028")])


@both
def test_the_paragraphs_of_a_layout_stay_lines(read: Callable[[Rows], str]) -> None:
    sender, addressee = "MDPH du Nord\n12 rue des Lilas\n59000 Lille", "Mme Durand\n3 rue Basse\n\n59100 Roubaix"
    text = read([(sender, addressee), ("Madame,\nLe recours est à former avant le 12 mai 2026.\nCordialement", "")])
    assert f"{sender}\n{addressee}\nMadame,\nLe recours est à former avant le 12 mai 2026.\nCordialement" in text


def test_a_table_in_a_cell_keeps_its_rows() -> None:
    document = docx.Document()
    cell, other = document.add_table(1, 2).rows[0].cells
    cell.text, other.text = "Vos droits", "À conserver"
    inner = cell.add_table(2, 2)
    for row, texts in zip(inner.rows, [("Date limite de retour", "12/05/2026"), ("Montant", "151,80 €")], strict=True):
        for place, text in zip(row.cells, texts, strict=True):
            place.text = text
    lines = [line for line in text_of(document).split("\n") if line]
    assert lines == ["Vos droits", "Date limite de retour\t12/05/2026", "Montant\t151,80 €", "À conserver"]


def test_merged_cells_are_read_once_and_in_their_place() -> None:
    document = docx.Document()
    table = document.add_table(3, 3)
    for row, texts in zip(table.rows, [("Droit", "Du", "Au"), ("AEEH", "01/09/2026", "31/08/2028")], strict=False):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    table.cell(2, 1).merge(table.cell(2, 2)).text = "sans limitation de durée"
    lines = [line for line in text_of(document).split("\n") if line]
    assert lines == ["Droit\tDu\tAu", "AEEH\t01/09/2026\t31/08/2028", "sans limitation de durée"]


def test_a_note_in_a_cell_does_not_break_its_row() -> None:
    note = "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Cachet de la poste.</text:p>"
    cells = ("Date limite de retour", f"12/05/2026{note}</text:note-body></text:note>", "Par courrier")
    assert "Date limite de retour\t12/05/2026\tPar courrier\nCachet de la poste." in in_open_document([cells])


INNER_CELL = "<table:table-cell><text:p>b</text:p></table:table-cell>"
INNER = f"<table:table><table:table-row>{INNER_CELL}</table:table-row></table:table>"


@pytest.mark.parametrize(
    ("frame", "repeated"),
    [
        ("<table:table-cell>{}</table:table-cell>", f"<text:p>a</text:p>{INNER}"),
        ("{}", f"<table:table-cell><text:p>a</text:p>{INNER}</table:table-cell>"),
        ("{}", f"<table:table-cell>{INNER}<text:p>a</text:p></table:table-cell><table:table-cell/>"),
    ],
)
def test_the_time_is_linear_in_the_length_of_a_row(frame: str, repeated: str) -> None:
    def read(text: str) -> None:
        row = f"<table:table-row>{frame.format(text)}</table:table-row>"
        readers.read("odt", open_document(f"<table:table>{row}</table:table>"), LIMITS)

    assert_linear(read, repeated, 300_000)


def test_a_cell_without_a_paragraph_keeps_its_column() -> None:
    cells = ("AEEH", None, "31/08/2028", None)
    row = "".join(
        "<table:table-cell/>" if text is None else f"<table:table-cell><text:p>{text}</text:p></table:table-cell>"
        for text in cells
    )
    body = f"<table:table><table:table-row>{row}</table:table-row></table:table>"
    assert "AEEH\t\t31/08/2028" in readers.read("odt", open_document(body), LIMITS).text.split("\n")
