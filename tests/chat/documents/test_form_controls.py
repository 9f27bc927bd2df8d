"""Ticked boxes and chosen entries of forms are read in every format: agreement and refusal differ by nothing else."""

from __future__ import annotations

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from reportlab.pdfgen import canvas

from chat.documents import reading
from chat.documents.sandbox.pdf_page import MAX_BOXES
from tests.chat.documents.test_unread_parts import drawn, open_document, read, saved, unpacked
from tests.support import document_files


def shown(data: bytes) -> str:
    """The text as it leaves the reader, with each run of whitespace as one space."""
    return " ".join(reading.read(data, document_files.SENDER).text.split())


# --- Word -------------------------------------------------------------------------------------------------------------


def word(runs: str) -> bytes:
    document = docx.Document()
    document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{runs}</w:p>"))
    return saved(document)


def run(content: str) -> str:
    return f"<w:r>{content}</w:r>"


def text(words: str) -> str:
    return run(f"<w:t xml:space='preserve'>{words}</w:t>")


def field(content: str) -> str:
    return run(f"<w:fldChar w:fldCharType='begin'><w:ffData><w:name w:val='a'/>{content}</w:ffData></w:fldChar>")


@pytest.mark.parametrize(
    ("states", "sign"),
    [
        ("<w:default w:val='0'/><w:checked/>", "☒"),
        ("<w:default w:val='0'/><w:checked w:val='1'/>", "☒"),
        ("<w:default w:val='1'/>", "☒"),
        ("<w:default/>", "☒"),
        ("<w:default w:val='1'/><w:checked w:val='0'/>", "☐"),
        ("<w:checked w:val='false'/>", "☐"),
        ("", "☐"),
    ],
)
def test_a_tick_box_of_word_is_read(states, sign):
    box = field(f"<w:checkBox><w:sizeAuto/>{states}</w:checkBox>")
    assert f"{sign} Accord" in read(word(box + text(" Accord"))).text


@pytest.mark.parametrize(
    ("states", "entry"),
    [
        ("<w:result w:val='1'/>", "Refus"),
        ("<w:default w:val='1'/>", "Refus"),
        ("", "Accord"),
        ("<w:result w:val='x'/>", ""),
    ],
)
def test_a_choice_list_of_word_is_read(states, entry):
    entries = "<w:listEntry w:val='Accord'/><w:listEntry w:val='Refus'/>"
    words = read(word(text("Avis : ") + field(f"<w:ddList>{states}{entries}</w:ddList>"))).text
    assert words.splitlines()[0].strip() == f"Avis : {entry}".strip()


@pytest.mark.parametrize(
    ("font", "code", "sign"),
    [
        ("Wingdings", "F0FE", "☒"),
        ("Wingdings", "F0FD", "☒"),
        ("Wingdings", "F0A8", "☐"),
        ("Wingdings", "6F", "☐"),
        ("Wingdings 2", "F052", "☒"),
        ("Wingdings 2", "F0A3", "☐"),
        ("MS Gothic", "2612", "☒"),
        ("Symbol", "F0A3", "▪"),
        ("Wingdings", "F0E0", "▪"),
        ("Wingdings", "-F0E0", "▪"),
        ("Wingdings", "FFFFFFFF", "▪"),
        ("Wingdings", "x", "▪"),
    ],
)
def test_a_sign_of_another_font_in_word_is_read(font, code, sign):
    assert f"{sign} Accord" in read(word(run(f"<w:sym w:font='{font}' w:char='{code}'/>") + text(" Accord"))).text


def test_a_tab_to_the_right_in_word_separates_words():
    assert "CAF\t12 mars 2026" in read(word(text("CAF") + run("<w:ptab/>") + text("12 mars 2026"))).text


# --- Web pages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("controls", "words"),
    [
        ("<input type=checkbox checked> Accord <input type=CHECKBOX>Refus", "☒ Accord ☐ Refus"),
        ("<label><input type=radio name=a>Oui</label><label><input type=radio checked>Non</label>", "☐ Oui ☒ Non"),
        ("Né le <input value='3 mai 2016'>, <input type=date value=2026-05-04>", "Né le 3 mai 2016 , 2026-05-04"),
        ("a<input type=hidden value=x><input type=password value=y>b", "ab"),
        ("Avis : <select><option>Accord<option selected>Refus</select> motivé", "Avis : Refus motivé"),
        ("Avis : <select><optgroup><option>Accord<option>Refus</select> motivé", "Avis : Accord motivé"),
        ("Aides : <select multiple><option selected>PCH<option>AAH<option selected>AJPP</select>", "Aides : PCH AJPP"),
        ("Motif : <textarea>Le\nrefus</textarea>", "Motif : Le refus"),
        ("<p>Bonjour<p hidden>3 mai", "Bonjour"),
    ],
)
def test_the_controls_of_a_web_page_are_read(controls, words):
    assert shown(f"<!DOCTYPE html><form>{controls}</form>".encode()) == words


# --- OpenDocument -----------------------------------------------------------------------------------------------------


def test_the_controls_of_an_open_document_are_read():
    form = "urn:oasis:names:tc:opendocument:xmlns:form:1.0"
    fields = "urn:openoffice:names:experimental:ooo-ms-interop:xmlns:field:1.0"
    kind = "vnd.oasis.opendocument.field.FORM"
    controls = (
        f"<f:form xmlns:f='{form}'><f:checkbox f:id='a' f:current-state='checked' f:label='Accord'/>"
        "<f:checkbox f:id='b' f:label='Refus'/><f:radio f:id='c' f:current-selected='true' f:label='Oui'/>"
        "<f:listbox f:id='d'><f:option f:label='PCH'/><f:option f:label='AAH' f:current-selected='true'/></f:listbox>"
        "<f:text f:id='e' f:current-value='3 mai 2026'/></f:form>"
    )
    places = " ".join(f"<draw:control draw:control='{each}'/>" for each in "abcd")
    marks = (
        f"<text:p xmlns:i='{fields}'><i:fieldmark i:type='{kind}CHECKBOX'><i:param i:name='Checkbox_Checked' "
        f"i:value='true'/></i:fieldmark> Vrai <i:fieldmark i:type='{kind}CHECKBOX'/> Faux <i:fieldmark "
        f"i:type='{kind}DROPDOWN'><i:param i:name='Dropdown_ListEntry' i:value='Un'/><i:param "
        "i:name='Dropdown_ListEntry' i:value='Deux'/><i:param i:name='Dropdown_Selected' i:value='1'/></i:fieldmark>"
        "</text:p>"
    )
    body = f"{controls}<text:p>{places}</text:p><draw:control draw:control='e'/>{marks}</o:document>"
    content = unpacked(open_document())["content.xml"].replace(b"</o:document>", body.encode())
    content = content.replace(b"<draw:image xlink:href='Pictures/a.png'/>", b"")
    lines = read(open_document(**{"content.xml": content})).text.splitlines()
    assert "☒ Accord ☐ Refus ☒ Oui AAH" in lines
    assert lines.count("3 mai 2026") == 1
    assert "☒ Vrai ☐ Faux Deux" in lines


# --- PDF --------------------------------------------------------------------------------------------------------------


def test_the_boxes_of_a_pdf_form_are_read_at_their_places():
    def draw(page: canvas.Canvas) -> None:
        page.drawString(60, 780, "Madame, voici votre choix.")
        form = page.acroForm
        for y, is_left in ((700, True), (670, False)):
            page.drawString(100, y, "Accord")
            page.drawString(200, y, "Refus")
            for number, x in enumerate((80, 180) if is_left else (150, 240)):
                form.checkbox(name=f"{y}{number}", checked=number == is_left, x=x, y=y - 5, size=15)
        for number, (x, word) in enumerate(((80, "Oui"), (180, "Non"))):
            form.radio(name="r", value=word, selected=number == 1, x=x, y=635, size=15)
            page.drawString(x + 20, 640, word)

    lines = read(drawn(draw)).text.splitlines()
    assert "☐ Accord ☒ Refus" in lines
    assert "Accord ☒ Refus ☐" in lines
    assert "☐ Oui ☒ Non" in lines


def test_the_boxes_of_a_pdf_form_behind_many_links_are_read():
    def draw(page: canvas.Canvas) -> None:
        page.drawString(60, 780, "Madame, voici votre choix.")
        for number in range(MAX_BOXES + 10):
            page.linkURL("https://x.example", (60, number, 70, number + 1))
        page.drawString(100, 700, "Accord")
        page.acroForm.checkbox(name="a", checked=True, x=80, y=695, size=15)

    assert "☒ Accord" in read(drawn(draw)).text.splitlines()
