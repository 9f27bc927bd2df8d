"""Texts with the telephone numbers that are links in them, for the renderers in Python and JavaScript."""

PHONE_NUMBERS = {
    "Appelez le 0 805 805 110 (gratuit).": ["0805805110"],
    "Autisme : 0 800 71 40 40. Cancer : 0 805 123 124.": ["0800714040", "0805123124"],
    "Défenseur des droits : 09 69 39 00 00, ou 09.69.39.00.00": ["0969390000", "0969390000"],
    "Depuis l’étranger : +33 1 84 72 94 72.": ["+33184729472"],
    "Sans espace 0184729472, insécables 01\u00a084\u00a072\u00a094\u00a072": ["0184729472", "0184729472"],
    "Défenseur des droits (39 28), **3919**, le 3018, le 36 46": ["3928", "3919", "3018", "3646"],
    "Victimes : 116 006. En danger : 3114": ["116006", "3114"],
    "Deux de suite : 3114 3919, et A3018 3928": ["3114", "3919", "3928"],
    "Il reste 3018 € et 39 28 euros, ou 3919 %": [],
    "Le 01.02.2026 à 10 h, dossier 2026/0184729472, n° 33018": [],
    "Un numéro que personne ne connaît : 08 99 12 34 56, +33 8 99 12 34 56": [],
    "IBAN 0123456789012 et 10 01 84 72 94 723": [],
    "`0 805 805 110` et [le 0 805 805 110](https://example.org/)": [],
}
