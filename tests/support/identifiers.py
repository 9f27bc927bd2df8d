"""Identifiers of persons in the typographies of people, forms and programs. None is a real person's."""

from __future__ import annotations

NUMBER = "185075935012374"
GROUPS = ("1", "85", "07", "59", "350", "123", "74")


def _joined(separator: str) -> str:
    return separator.join(GROUPS)


SOCIAL_SECURITY_FORMS = {
    "digits": NUMBER,
    "spaces": _joined(" "),
    "no-break spaces": _joined("\u00a0"),
    "narrow no-break spaces": _joined("\u202f"),
    "thin spaces": _joined("\u2009"),
    "figure spaces": _joined("\u2007"),
    "zero-width spaces": _joined("\u200b"),
    "double spaces": _joined("  "),
    "tabs": _joined("\t"),
    "hyphens": _joined("-"),
    "no-break hyphens": _joined("\u2011"),
    "dashes": _joined(" – "),
    "minus signs": _joined("\u2212"),
    "dots": _joined("."),
    "slashes": _joined("/"),
    "underscores": _joined("_"),
    "bars": _joined(" | "),
    "one digit a box": "|" + "|".join(NUMBER) + "|",
    "one digit a spaced box": "| " + " | ".join(NUMBER) + " |",
    "drawn boxes": "│" + "│".join(NUMBER) + "│",
    "spaced digits": " ".join(NUMBER),
    "over a line break": "1 85 07 59\n350 123 74",
    "over a line break and an indentation": "1 85 07 59 350" + "\n" + 18 * " " + "123 74",
    "broken within a group": "18507593\n5012374",
    "key apart": "1 85 07 59 350 123 - 74",
    "key by name": "1 85 07 59 350 123 clé 74",
    "without key": "1 85 07 59 350 123",
    "without key, digits": "1850759350123",
    "Corsica": "2 79 11 2A 004 118 13",
    "Corsica, digits": "279112a00411813",
    "full-width digits": "１８５０７５９３５０１２３７４",
    "circled digits": "①⑧⑤⓪⑦⑤⑨③⑤⓪①②③⑦④",
    "keycaps": "".join(f"{digit}\ufe0f\u20e3" for digit in NUMBER),
    "entities": _joined("&nbsp;"),
    "groups of three": "185 075 935 012 374",
    "apostrophes": _joined("'"),
    "bold": "**1** **85** **07** **59** **350** **123** **74**",
    "a word before it": f"NIR{NUMBER}",
}
OTHERS = {
    "IBAN": "FR76 3000 6000 0112 3456 7890 189",
    "IBAN, digits": "FR7630006000011234567890189",
    "IBAN, no-break spaces": "FR76\u00a03000\u00a06000\u00a00112\u00a03456\u00a07890\u00a0189",
    "IBAN, over a line break": "FR76 3000 6000 0112\n3456 7890 189",
    "IBAN of Belgium": "BE71 0961 2345 6769",
    "card": "4970 1012 3456 7893",
    "card, hyphens": "4970-1012-3456-7893",
    "card, digits": "4970101234567893",
    "e-mail": "marie.dupont+mdph@example.fr",
    "e-mail, spaced": "marie.dupont @ example.fr",
    "phone": "06 12 34 56 78",
    "phone, dots": "06.12.34.56.78",
    "phone, digits": "0612345678",
    "phone, hyphens": "06-12-34-56-78",
    "phone, no-break spaces": "06\u202f12\u202f34\u202f56\u202f78",
    "phone, international": "+33 6 12 34 56 78",
    "phone, international with zero": "+33 (0)6 12 34 56 78",
    "phone of Belgium": "+32 475 12 34 56",
}
# What looks like them, and is needed to answer.
HARMLESS = """
Le 12/03/2025 à 14 h 30, salle 204.
du 01/02/2025 10 h au 03/02/2025 18 h
01.02.2025 10 h 45 12.03.2025 11 h 15
rdv le 05 06 2025 14 30
rdv le 12 05 2025 14 30, puis le 05 06 2025 1430
rdv le 05.06.2025.14.30, le 05-06-2025 - 14-30
Droits du 01 01 2025  31 12 2027
Droits du 11 01 2025  31 12 2027, du 01 | 01 | 1999 | 31 | 12 | 2027
Dates : 2025-01-02 2025-03-04 2025-05-06
12 mars 2025, 15 avril 2025, 20 mai 2025 et 1er juin 2025
Né le 05/07/2014 à 59350 Lille
Rentrée 2025-2026, 2026-2027 et 2027-2028
1 234,56 € puis 2 345,67 € et 3 456,78 €
12,50 13,40 14,30 15,20 16,10 17,90 18,80
151,80 € × 12 = 1 821,60 €
1 016,05 € 1 033,32 € 1 041,59 €
AEEH : 149,26 € ; compléments : 111,95 €, 303,21 €, 429,14 €, 665,02 €
1.234.567,89 €
12 000 000 de personnes, 2 700 000 aidants, 400 000 élèves
plafond 25 775 € pour 1 enfant, 31 724 € pour 2, 37 673 € pour 3
50 % 80 % 79 % 100 %
2 ans 3 mois 4 jours 5 h 30
0 800 360 360
0 805 805 110 (gratuit)
08 06 80 06 07
0 806 806 007
0800 360 360
3114
Appelez le 15, le 112, le 114, le 119 ou le 3114
3919, 3018 et 3977
Défenseur des droits : 09 69 39 00 00
SOS Amitié : 09 72 39 40 50
Avec nos proches : 01 84 72 94 72
N° de dossier : 2025-123456
Dossier 44/210087
Dossier n° 0123456789
Référence : 0612345678
Vos références : MDPH/59/448120
numéro d'allocataire : 1234567 K
N° allocataire 0123456
cerfa n° 15692*01 et 15695*01
RG 24/00123 – minute 2025/4567
N° Siret 123 456 789 00012
SIREN 123 456 789
FINESS 590012345
RNE 0591234A
INE 123456789AB
UAI 0590123X
Facture n° 2025-0000123456
Virement n° 185075935012342
Recommandé 1A 123 456 7890 1
Colis 6A 12345 67890 1
Code postal 59350, 75013, 13001, 69003
12 rue des Lilas, 59000 Lille
CS 40003 – 59043 Lille Cedex
BP 1234 – 75675 Paris Cedex 14
L. 241-3, R. 146-25, D. 351-5 et L. 114-1-1
article L. 245-1 du code, décret 2005-1591 du 19 décembre 2005
loi n° 2005-102 du 11 février 2005
circulaire 2015-129 du 21-8-2015
1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
10 20 30 40 50 60 70 80 90 100
version 1.2.3.4.5.6.7.8.9
192.168.100.200:8000
2025-10-01T23:00:00.000Z
ISBN 978-2-07-036822-8
page 1/15, 2/15, 3/15, 4/15, 5/15, 6/15
classe de 6e 2, groupe 3, 24 élèves, 18 heures
taille 128 cm, poids 26,5 kg, QI 85 à 92
WISC-V : ICV 92, IVS 85, IRF 88, IMT 79, IVT 83
8 h 30 – 12 h 00 et 13 h 30 – 17 h 00
@mdph59
rendez-vous @ 14 h
"""
HARMLESS_TEXTS = [*HARMLESS.strip().split("\n"), "01 09 2024\n31 08 2025", "du 11 09 2024\nau\n31 08 2025 10 h"]
