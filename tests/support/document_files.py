"""Generates letters for the tests as PDF, Word, photo and scan. All are invented."""

from __future__ import annotations

import io
from collections.abc import Sequence
from random import Random
from typing import Any

import docx
import pypdfium2
from PIL import Image
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen import canvas

from chat.documents.reader_places import Sender

SENDER = Sender("caller", "192.0.2.1")

LETTER = """\
MAISON DÉPARTEMENTALE DES PERSONNES HANDICAPÉES
12 rue de la République, 59000 Lille
Dossier n° 2025-104872
Lille, le 12 mars 2026

Madame, Monsieur,

Nous avons bien reçu votre demande d'allocation d'éducation de
l'enfant handicapé le 3 mars 2026. Il manque le certificat médical.
Merci de nous le retourner avant le 15 avril 2026. Sans cette pièce,
votre dossier ne pourra pas être étudié.

Le montant de 151,80 € par mois sera versé à compter du 1er mai 2026.

Veuillez agréer, Madame, Monsieur, nos salutations distinguées."""


NOTE = """\
École Jean-Moulin, Lille
L'équipe de suivi se réunira le jeudi 20 novembre 2026 à 17 h.
Merci de confirmer votre présence avant le 14 novembre 2026.
La participation aux frais est de 12,50 € par mois."""


def pdf(*pages: str, **options: Any) -> bytes:
    """A PDF of these pages (default: LETTER); `options` are passed to reportlab's Canvas."""
    buffer = io.BytesIO()
    pdf_canvas = canvas.Canvas(buffer, pagesize=A4, **options)
    for page in pages or (LETTER,):
        lines = pdf_canvas.beginText(60, 780)
        lines.setFont("Helvetica", 12)
        lines.textLines(page)
        pdf_canvas.drawText(lines)
        pdf_canvas.showPage()
    pdf_canvas.save()
    return buffer.getvalue()


def word(*paragraphs: str, rows: Sequence[tuple[str, ...]] = (), header: str = "", footer: str = "") -> bytes:
    """A Word file of these paragraphs (default: LETTER) and a table of these rows."""
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = header
    document.sections[0].footer.paragraphs[0].text = footer
    for paragraph in paragraphs or LETTER.split("\n\n"):
        document.add_paragraph(paragraph)
    if rows:
        table = document.add_table(rows=0, cols=len(rows[0]))
        for row in rows:
            for cell, text in zip(table.add_row().cells, row, strict=True):
                cell.text = text
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def picture(text: str = LETTER, *, dots_per_inch: int = 300, tilt: float = 0, noise: float = 0) -> Image.Image:
    """The text as a scanned page: `tilt` in degrees, `noise` as the standard deviation of each pixel (of 255)."""
    with pypdfium2.PdfDocument(pdf(text)) as document:
        page = document[0].render(scale=dots_per_inch / 72, grayscale=True).to_pil()
    if tilt:
        page = page.rotate(tilt, Image.Resampling.BICUBIC, fillcolor=255)
    if noise:
        page = Image.blend(page, Image.effect_noise(page.size, noise * 4), 0.25)
    return page


def noise(width: int, height: int) -> Image.Image:
    """A picture without words, the same each time: in some other noise OCR sees three letters."""
    return Image.frombytes("L", (width, height), Random(1).randbytes(width * height))


def saved(image: Image.Image, format: str, **options: Any) -> bytes:  # noqa: A002 - Pillow's name
    """The image as a file; `options` are passed to `Image.save`."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def scan(*images: Image.Image) -> bytes:
    """A PDF whose pages are images only."""
    return saved(images[0], "PDF", resolution=300, save_all=True, append_images=images[1:])
