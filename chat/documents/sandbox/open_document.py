"""OpenDocument text (.odt, of LibreOffice): headers, body, notes, footers, and the words in pictures."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterable, Iterator

from lxml import etree

from chat.documents.sandbox import archive, form_controls, picture, tables
from chat.documents.sandbox.archive import attribute, name_of
from chat.documents.sandbox.limits import Limits
from chat.documents.sandbox.ocr import ScanReader
from chat.documents.sandbox.outcome import Outcome
from chat.documents.sandbox.unread_parts import UnreadParts
from chat.documents.unreadable import Unreadable

PARAGRAPHS = ("{*}p", "{*}h")
SPACES = {"s": " ", "tab": "\t", "line-break": "\n"}
DELETED = "{*}tracked-changes"


def read(data: bytes, limits: Limits) -> Outcome:
    """The text of the file. Raises Unreadable."""
    unread = UnreadParts()
    scan_reader = ScanReader(limits, unread)
    with archive.opened(data) as package:
        manifest = "META-INF/manifest.xml"
        if manifest in package.namelist() and b"encryption-data" in package.read(manifest):
            raise Unreadable("encrypted")
        parts = [archive.xml(package, name) for name in ("styles.xml", "content.xml") if name in package.namelist()]
        if not parts:
            raise Unreadable("damaged")
        for root in parts:
            _show_controls(root)
        texts = ["\n".join(tables.lines(_paragraphs(root))) for root in parts]
        links = [element.get(LINK, "") for root in parts for element in root.iter("{*}image")]
        names = dict.fromkeys(posixpath.normpath(link) for link in links if link)
        texts += _picture_texts(package, list(names), scan_reader)
    return unread.outcome("\n".join(text for text in texts if text.strip()))


LINK = "{http://www.w3.org/1999/xlink}href"


def _show_controls(root: etree._Element) -> None:
    """Write the values of form controls into the elements that stand for them in the text."""
    values = {attribute(control, "id"): _value_of(control) for form in root.iter("{*}form") for control in form}
    for place in root.iter("{*}control"):
        place.text = values.get(attribute(place, "control"), "")
    for place in root.iter("{*}fieldmark"):  # of forms that come from Word
        place.text = _field_value(attribute(place, "type"), place)


def _value_of(control: etree._Element) -> str:
    """What a check box, list or text of a form shows, with its label."""
    match name_of(control):
        case "checkbox":
            shown = form_controls.box(attribute(control, "current-state", "state") == "checked")
        case "radio":
            shown = form_controls.box(attribute(control, "current-selected", "selected") == "true")
        case "listbox":
            options = [each for each in control if attribute(each, "current-selected", "selected") == "true"]
            shown = ", ".join(attribute(each, "label") for each in options)
        case _:
            shown = attribute(control, "current-value", "value")
    return f"{shown} {attribute(control, 'label')}".strip()


def _field_value(kind: str, parameters: Iterable[etree._Element]) -> str:
    pairs = [(attribute(each, "name"), attribute(each, "value")) for each in parameters]
    values = dict(pairs)
    if kind.endswith("FORMCHECKBOX"):
        return form_controls.box(form_controls.is_on(values.get("Checkbox_Checked", "false")))
    entries = [value for name, value in pairs if name == "Dropdown_ListEntry"]
    return form_controls.chosen(entries, form_controls.number(values.get("Dropdown_Selected", "")))


def _paragraphs(root: etree._Element) -> Iterator[tables.Paragraph]:
    for paragraph in root.iter(*PARAGRAPHS, "{*}control"):
        within = (DELETED, *PARAGRAPHS) if name_of(paragraph) == "control" else (DELETED,)
        if next(paragraph.iterancestors(*within), None) is None:
            yield paragraph, "".join(_fragments(paragraph))


def _fragments(element: etree._Element) -> Iterator[str]:
    """The text of this paragraph, without the paragraphs of frames and notes anchored in it, and the marks of notes."""
    yield SPACES.get(name_of(element), "") + (element.text or "")
    for child in element:
        if name_of(child) not in {"p", "h", "note-citation"}:
            yield from _fragments(child)
        yield child.tail or ""


def _picture_texts(package: zipfile.ZipFile, names: list[str], scan_reader: ScanReader) -> Iterator[str]:
    for name in scan_reader.unread.first_files(names, "picture"):
        if name not in package.namelist():
            scan_reader.unread.skip("picture", None, "damaged")
        else:
            yield picture.read_inside(package.read(name), scan_reader)
