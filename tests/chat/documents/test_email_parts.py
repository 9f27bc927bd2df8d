"""Every part of an e-mail is read or reported as unread, however its parts are nested."""

from __future__ import annotations

import base64
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from PIL import Image

from chat.documents import reading
from chat.documents.sandbox.unread_parts import MAX_FILES
from chat.documents.unreadable import Unread
from tests.chat.documents.test_unread_parts import read
from tests.support import document_files

LETTER = "2025-104872"  # in the letter that is attached
Part = Message


def multipart(kind: str, *parts: Part) -> MIMEMultipart:
    part = MIMEMultipart(kind)
    for each in parts:
        part.attach(each)
    return part


def plain(text: str = "Voici la lettre, à lire avant le 4 mai 2026.") -> Part:
    return MIMEText(text, "plain", "utf-8")


def page(text: str = "<p>La même, en HTML</p>") -> Part:
    return MIMEText(text, "html", "utf-8")


def file(data: bytes, kind: str, **headers: str) -> Part:
    part = EmailMessage()
    part.set_content(data, *kind.split("/"))
    for name, value in headers.items():
        part[name.replace("_", "-")] = value
    return part


def letter() -> Part:
    return file(document_files.pdf(), "application/pdf")


def sent(message: Part) -> bytes:
    message["Message-ID"], message["Subject"] = "<1@example.org>", "Votre dossier"
    return message.as_bytes()


NESTED = {
    "Apple Mail": lambda: multipart("alternative", plain(), multipart("mixed", page(), letter(), page())),
    "a list's footer": lambda: multipart("mixed", multipart("mixed", plain(), letter()), plain("-- \nListe")),
    "signed": lambda: multipart(
        "signed", multipart("mixed", plain(), letter()), file(b"0\x80\x06\x09", "application/pkcs7-signature")
    ),
    "signed with PGP": lambda: multipart(
        "signed", multipart("mixed", plain(), letter()), file(b"-----BEGIN", "application/pgp-signature")
    ),
    "related in mixed": lambda: multipart(
        "mixed", multipart("related", multipart("alternative", plain(), page()), letter())
    ),
    "a version of the text": lambda: multipart("alternative", plain(), page(), letter()),
}


@pytest.mark.parametrize("kind", NESTED)
def test_a_letter_in_nested_parts_is_read(kind):
    outcome = read(sent(NESTED[kind]()))
    assert "4 mai 2026" in outcome.text
    assert LETTER in outcome.text
    assert "La même" not in outcome.text
    assert outcome.unread == ()


def test_a_text_file_shown_in_a_version_of_the_text_is_read():
    shown = plain("Rendez-vous le 5 mai 2026.")
    shown["Content-Disposition"] = "inline; filename=convocation.txt"
    message = multipart("alternative", plain(), multipart("mixed", page(), shown))
    assert "5 mai 2026" in read(sent(message)).text


def test_an_e_mail_that_is_a_pdf_is_read():
    assert LETTER in read(sent(letter())).text


def test_the_text_behind_an_attached_file_is_read():
    outcome = read(sent(multipart("mixed", plain(), letter(), plain("PS : le 5 mai 2026."), plain(" \r\n"))))
    assert all(text in outcome.text for text in ("4 mai 2026", LETTER, "5 mai 2026"))
    assert outcome.unread == ()


def test_a_part_without_content_is_reported():
    outcome = read(sent(multipart("mixed", plain(), multipart("mixed", file(b"", "application/pdf")))))
    assert outcome.unread == (Unread("attachment", None, "empty"),)


def test_a_multipart_without_parts_is_reported():
    empty = EmailMessage()
    empty["Content-Type"] = "multipart/mixed"
    empty.set_payload("")
    outcome = read(sent(multipart("mixed", plain(), empty)))
    assert outcome.unread == (Unread("attachment", None, "empty"),)


def test_more_nested_files_than_the_limit_are_reported():
    letters = [plain(f"Pièce du {day} mai") for day in range(1, MAX_FILES + 4)]
    outcome = read(sent(multipart("mixed", plain(), multipart("mixed", *letters))))
    assert outcome.text.count("Pièce") == MAX_FILES
    assert outcome.unread == (Unread("attachment", None, "too_many_pages"),) * 3


@pytest.mark.parametrize("stub", [" \r\n", "Votre logiciel n'affiche pas le HTML."])
def test_the_html_is_read_where_the_plain_text_says_nothing(stub):
    shown = page("<p>Madame, rendez le dossier complet avec toutes ses pièces au service avant le 9 mai 2026.</p>")
    assert "9 mai 2026" in read(sent(multipart("alternative", plain(stub), shown))).text


def test_logos_without_words_are_not_reported_but_a_large_picture_is(tesseract):
    logo, dot, large = (
        file(document_files.saved(Image.new("RGB", size, "blue"), "PNG"), "image/png")
        for size in ((200, 60), (1, 1), (600, 800))
    )
    related = multipart("alternative", plain(), multipart("related", page(), logo, dot))
    assert read(sent(related)).unread == ()
    outcome = read(sent(multipart("mixed", plain(), large)))
    assert outcome.unread == (Unread("attachment", None, "no_words"),)


@pytest.mark.parametrize("encode", [base64.encodebytes, bytes], ids=["base64", "as it is"])
def test_an_attached_e_mail_is_read_even_if_encoded(encode):
    inner = sent(multipart("mixed", plain("Avant le 9 mai 2026."), letter()))
    head = b"Message-ID: <2@example.org>\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nBonjour\n"
    head += b"--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
    text = read(head + encode(inner) + b"\n--b--\n").text
    assert "Bonjour" in text
    assert "9 mai 2026" in text
    assert LETTER in text


def test_the_report_that_an_e_mail_did_not_arrive_is_read():
    status = message_from_bytes(b"Content-Type: message/delivery-status\n\nReporting-MTA: x\n\nStatus: 5.1.1\n")
    outcome = read(sent(multipart("report", plain(), status)))
    assert "5.1.1" in outcome.text
    assert outcome.unread == ()


# --- Encodings --------------------------------------------------------------------------------------------------------

FRENCH = "Vous disposez d’un délai d’un mois pour contester l’indu de 150 € – répondez dès que possible."


def raw(text: bytes, *headers: str) -> bytes:
    """An e-mail as a program sends it, in eight bits."""
    return "\n".join(("Message-ID: <1@example.org>", *headers, "", "")).encode() + text


CONTENT_TYPES = {
    "none": (),
    "without a charset": ("Content-Type: text/plain",),
    "ASCII": ("Content-Type: text/plain; charset=us-ascii",),
    "unknown": ("Content-Type: text/plain; charset=x-unknown",),
    "UTF-8": ("Content-Type: text/plain; charset=utf-8",),
    "no name of an encoding": ('Content-Type: text/plain; charset="a\0b"',),
}


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
@pytest.mark.parametrize("kind", CONTENT_TYPES)
def test_the_accents_of_an_e_mail_with_a_missing_or_wrong_charset_are_read(kind, encoding):
    assert FRENCH in read(raw(FRENCH.encode(encoding), *CONTENT_TYPES[kind])).text


def test_the_html_of_an_e_mail_with_a_missing_charset_is_read_with_its_accents():
    for encoding in ("utf-8", "cp1252"):
        html = f"<p>{FRENCH}</p>".encode(encoding)
        assert FRENCH in read(raw(html, "Content-Type: text/html")).text


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_the_characters_that_outlook_calls_latin_1_are_read(kind):
    message = raw(FRENCH.encode("cp1252"), f"Content-Type: text/{kind}; charset=iso-8859-1")
    assert reading.read(message, document_files.SENDER).text.endswith(FRENCH)


def test_a_utf_8_text_with_a_footer_in_another_encoding_is_read():
    text = read(raw(FRENCH.encode() + "\nListe des élèves".encode("cp1252"), *CONTENT_TYPES["UTF-8"])).text
    assert f"{FRENCH}\nListe des élèves" in text


def test_a_text_file_is_read_in_its_declared_charset():
    attached = MIMEText("Il reste 150 € à payer", "plain", "iso-8859-15")
    attached["Content-Disposition"] = "attachment; filename=a.txt"
    assert "150 € à payer" in read(sent(multipart("mixed", plain(), attached))).text


def test_a_text_file_in_utf_16_is_read():
    attached = file(FRENCH.encode("utf-16"), "text/plain", Content_Disposition="attachment; filename=a.txt")
    assert FRENCH in read(sent(multipart("mixed", plain(), attached))).text


def test_the_bytes_of_a_pdf_that_is_called_text_stay_as_they_are():
    attached = file(document_files.pdf(), "application/pdf")
    attached.replace_header("Content-Type", "text/plain; charset=iso-8859-15; name=a.pdf")
    assert LETTER in read(sent(multipart("mixed", plain(), attached))).text


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_subject_in_eight_bits_is_read(encoding):
    message = b"Subject: " + "Décision du 4 mai".encode(encoding) + b"\n" + raw(b"Bonjour")
    assert "Objet : Décision du 4 mai" in read(message).text


def test_the_signs_of_windows_in_a_web_page_are_read():
    page = b"<!DOCTYPE html><p>L&#146;indu est de 150&nbsp;&#128;</p>"
    assert reading.read(page, document_files.SENDER).text == "L’indu est de 150 €"


# --- Versions of a text -----------------------------------------------------------------------------------------------


def test_the_html_is_read_where_the_plain_text_lacks_one_of_its_numbers():
    table = page("<p>Bonjour,</p><table><tr><td>Recours avant le 3 mai 2026<td>Indu 450 euros</table>")
    text = read(sent(multipart("alternative", plain("Bonjour, voici le tableau de votre dossier."), table))).text
    assert "3 mai 2026" in text
    assert "450 euros" in text


def test_the_html_is_read_alone_where_it_has_all_numbers_and_more():
    shown = page("<p>Le 4 mai 2026, <b>450</b> euros, <a href='https://x.example/8812'>ici</a>.</p>")
    text = read(sent(multipart("alternative", plain("Le 4 mai 2026 : https://x.example/8812"), shown))).text
    assert "450 euros" in text
    assert "x.example" not in text


@pytest.mark.parametrize(
    ("words", "footer"),
    [
        ("Madame, merci de renvoyer le formulaire signé avant vendredi, sinon votre dossier sera clos.", "(c) 2026"),
        ("Rendez-vous le 3 mai à 14 h.", "Service du département, ouvert du lundi au vendredi, sauf en août. " * 3),
    ],
)
def test_the_plain_text_is_kept_where_the_html_is_a_picture_and_a_footer(words, footer):
    versions = multipart("alternative", plain(words), page(f"<img src='https://x.example/a.png'><p>{footer}</p>"))
    text = read(sent(versions)).text
    assert words in text
    assert footer.strip() in text


def test_both_versions_are_read_where_each_has_numbers_of_its_own():
    versions = multipart("alternative", plain("Bonjour, avant le 3 mai 2026."), page("<p>Bonjour, <b>450</b> euros"))
    text = read(sent(versions)).text
    assert "3 mai 2026" in text
    assert "Bonjour, 450 euros" in text


def test_the_plain_text_is_read_alone_where_only_its_links_have_numbers():
    shown = page("<p>Bonjour, avant le 4 mai 2026, <a href='https://x.example/8812'>ici</a>.</p>")
    text = read(sent(multipart("alternative", plain("Le 4 mai 2026 : https://x.example/8812"), shown))).text
    assert "ici" not in text


# --- Attached e-mails without technical headers -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["message/rfc822", "application/octet-stream"])
def test_an_attached_e_mail_of_few_headers_is_decoded(kind):
    body = base64.encodebytes("Répondez avant le 9 mai 2026.".encode()).decode()
    inner = f"From: mdph@example.org\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{body}"
    head = "Content-Type: multipart/mixed; boundary=b"
    parts = f"--b\n\nBonjour\n--b\nContent-Type: {kind}\n\n{inner}\n--b--\n"
    assert "9 mai 2026" in read(raw(parts.encode(), head)).text
