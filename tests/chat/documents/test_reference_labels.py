"""Reference numbers behind the labels of many offices."""

from __future__ import annotations

import pytest

from chat.documents.extraction import find_facts
from tests.support.growth import assert_linear


def references(text: str) -> list[str]:
    return [reference.text for reference in find_facts(text).references]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("N° d'acte : 0814 2026 SATD 00917", ["0814 2026 SATD 00917"]),
        ("Identifiant TIPI/PayFiP : 058000", ["058000"]),
        ("Adhérent 0047.1182.36     Contrat groupe F2210", ["0047.1182.36", "F2210"]),
        ("Contrat collectif n° G-2210/08", ["G-2210/08"]),
        ("N° à rappeler dans toute correspondance : 25-041886", ["25-041886"]),
        ("Référence à rappeler impérativement lors de tout contact : 88 412 A", ["88 412 A"]),
        ("Famille 11934 - SOULIER", ["11934"]),
        ("n° d'ordre 118 bis", ["118 bis"]),
        (
            "Nature       Pièce        Émis le       Reste dû\nCantine      T-1189/25    10/01/2026    143,50",
            ["T-1189/25"],
        ),
        ("Usager 204418", ["204418"]),
        ("N° RG 24/00953 – Minute 26/118", ["24/00953", "26/118"]),
        ("Devis n° 2026-077 / TVA 5,5 %", ["2026-077"]),
        ("Devis n° 2026-077 / AB", ["2026-077 / AB"]),
        ("The invoice 4411 (EUR 38) is payable.", ["4411"]),
        ("Merci de régler la facture 20417.", ["20417"]),
        ("La facture 1200 € est payée, la facture 2026 suivra.", []),
        ("Révision par nos soins en septembre 2026.", []),
        ("Nos 4471 et 4472", ["4471", "4472"]),
        ("ALLOC 3 114 902 R – MR ET MME ROY", ["3 114 902 R"]),
        ("Alloc. 3114902", ["3114902"]),
        ("Allocation 2026 : 151,80 €. Allocations 3 enfants", []),
        ("Famille de 4 enfants, foyer de 3 personnes, client depuis 2019", []),
        ("Coussin       CAE-1612-R      310,00   1   310,00", []),
        ("Réf dossier : 2026/PCH/00412", ["2026/PCH/00412"]),
        ("Dossier MDPH n°59-112233", ["59-112233"]),
        ("N/Réf. : DR/CL 26.044", ["DR/CL 26.044"]),
        ("Nos références : 2026-044/AB/cd", ["2026-044/AB/cd"]),
        ("Vos références à rappeler : 0459 112 L", ["0459 112 L"]),
        ("Numéro de sinistre 2026S00417", ["2026S00417"]),
        ("Votre numéro de client est le 00 441 227.", ["00 441 227"]),
        ("Facture n° FA-2026-0147 du 03/03/2026", ["FA-2026-0147"]),
        ("N° de facture 20260147", ["20260147"]),
        ("Avis d'échéance n° 1147/26", ["1147/26"]),
        ("N° d'avis : 26 59 1234567 89", ["26 59 1234567 89"]),
        ("Réf. avis 26 59 1234567 89", ["26 59 1234567 89"]),
        ("N° télédéclarant 1234567", ["1234567"]),
        ("Numéro fiscal : 30 12 456 789 015", ["30 12 456 789 015"]),
        ("Matricule CAF 1234567A", ["1234567A"]),
        ("N° Allocataire : 1234567 A", ["1234567 A"]),
        ("Assuré n° 4471-B", ["4471-B"]),
        ("Référence patient : IPP 0081234567", ["0081234567"]),
        ("Contrat : 0012345678", ["0012345678"]),
        ("Contrat d'assurance n° 12 345 678", ["12 345 678"]),
        ("Police n° AB 123456", ["AB 123456"]),
        ("RG n° 26/00123", ["26/00123"]),
        ("Affaire n° 26/00123 - M. Martin", ["26/00123"]),
        ("Rôle général : 26/00123", ["26/00123"]),
        ("Requête n° 2600123-4", ["2600123-4"]),
        ("Instance n°2600123", ["2600123"]),
        ("Recours n° RAPO-2026-0012", ["RAPO-2026-0012"]),
        ("N° de demande D26-4471", ["D26-4471"]),
        ("Commande 4471-22", ["4471-22"]),
        ("Commande web n° W4471022", ["W4471022"]),
        ("Numéro de suivi : 6A 123 456 7890 1", ["6A 123 456 7890 1"]),
        ("Lettre recommandée n° 1A 123 456 7890 1", ["1A 123 456 7890 1"]),
        ("Ticket #448812", ["448812"]),
        ("Ref: INC0044812", ["INC0044812"]),
        ("Votre code dossier : KX44-81", ["KX44-81"]),
        ("Identifiant : MARTIN4481", ["MARTIN4481"]),
        ("Mandat RUM : FR44ZZZ8812-01", ["FR44ZZZ8812-01"]),
        ("ICS : FR12ZZZ123456", []),
        ("Convention n° 2026-14-B", ["2026-14-B"]),
        ("Décision n° 2026/1123", ["2026/1123"]),
        ("Notification n° 26-3301", ["26-3301"]),
        ("PV n° 2026/114", ["2026/114"]),
        ("Devis D-2026-55 (valable 1 mois)", ["D-2026-55"]),
        ("Bon de commande n° BC26-0042", ["BC26-0042"]),
        ("Attestation n° 8812/26", ["8812/26"]),
        ("N° d'inscription : 26-A-118", ["26-A-118"]),
        ("Numéro d'élève 118834", ["118834"]),
        ("Titre exécutoire n° 2026-88", ["2026-88"]),
        ("N° d'engagement 100443", ["100443"]),
        ("Section AB parcelle 112", []),
        ("Salle 214, bâtiment B12, 3e étage", []),
        ("Article L. 245-1 et D. 245-4 du CASF, décret n° 2005-1588", []),
        ("BP 40112, 59000 Lille, Cedex 9", []),
        ("Tél. 03.20.11.22.33 - fax 03 20 11 22 34", []),
        ("Poste 4471", []),
        ("Compte bancaire n° 12345678901", ["12345678901"]),
        ("N° de série : BX7712-44", ["BX7712-44"]),
        ("Code de confirmation : QX7-118", ["QX7-118"]),
        ("Lettre recommandée avec AR 2C 171 884 0932 5", ["2C 171 884 0932 5"]),
        ("LRAR n° 1A 209 884 7156 3", ["1A 209 884 7156 3"]),
        ("Recommandé 1A 209 884 7156 3", ["1A 209 884 7156 3"]),
        ("Mme TESSIER, mat. 1 882 407 T. Il manque", ["1 882 407 T"]),
        ("FACTURE N° 031-7740 DU 19/03/2026", ["031-7740"]),
        ("client C04471 M. TEISSIER (Louane)", ["C04471"]),
        ("AR n° 2C 171 884 0932 5", ["2C 171 884 0932 5"]),
        ("Dossier n° 4471 / enfant 2", ["4471"]),
        ("Dossier : 2026-44 (à rappeler)", ["2026-44"]),
        ("Dossiers n° 4471-22 et 4471-23", ["4471-22", "4471-23"]),
        ("Factures F-118 et F-119", ["F-118", "F-119"]),
        ("Factures n° 2026-118, 2026-119 et 2026-120", ["2026-118", "2026-119", "2026-120"]),
        ("Numéro de référence : 23 456", ["23 456"]),
        ("Dossier de référence : 23 456", ["23 456"]),
        ("Impôts locaux - Numéro de référence : 1234567", ["1234567"]),
        ("Taxes foncières\tNuméro de référence\t1234567", ["1234567"]),
        ("Votre pension - Numéro de référence : 1234567", ["1234567"]),
        ("Pension d'invalidité\tDossier de référence : 12345", ["12345"]),
        ("Cotisation retraite. Code de référence : AB12345", ["AB12345"]),
        ("Loyers impayés, n° de référence : 1234567", ["1234567"]),
        ("Avis d'impôt - référence : 23 456", ["23 456"]),
        ("Revenus 2024. Référence de l'avis : 24 59 1234567", ["24 59 1234567"]),
        ("Montant : 150,00 €   Référence : 23456", ["23456"]),
    ],
)
def test_reference_numbers_are_found_behind_their_labels(text, expected):
    assert references(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Délibération n° 2025-114 du conseil départemental",
        "Circulaire n° 2016-117 du 8-8-2016",
        "Circulaire MENE1608893C",
        "Instruction DGCS/SD3A/2015/369",
        "Note de service n° 2024-012",
        "BO n° 15 du 10 avril 2025",
        "N° SIRET 123 456 789 00012 - APE 8810A",
        "N° TVA FR 12 345678901",
        "RCS Lille B 123 456 789",
        "N° ORIAS 07 005 678",
        "N° Adeli : 59 9 12345 6",
        "RPPS 10101234567",
        "AM 59 1 12345 6",
        "N° AM : 591234567",
        "Conventionné sous le n° 591234567",
        "N° d'agrément : SAP/123456789",
        "N° de déclaration d'activité 31590123459",
        "Licence n° 2026/59/000123",
        "Capital 15 000 €, RC Pro MAAF n° 159 123 456",
        "Assurance décennale AXA n° 1234567804",
        "IBAN FR76 1234 5678 9012 3456 7890 123 BIC AGRIFRPP",
        "UAI 0590123X",
        "Code établissement : 0590123X",
        "Code UAI : 0590123X",
        "INE : 123456789AB",
        "NIR 2 84 07 02 691 044 31",
        "N° Sécurité sociale : 2 84 07 02 691 044",
        "cerfa n° 15692*01",
        "Formulaire E 411",
        "Formulaire S3704b",
        "Modèle 2042",
        "Imprimé n° 1447-C",
        "Article 12 de la loi n° 2005-102",
        "Code postal 59000",
        "TSA 90012, 59 049 Lille Cedex 9",
        "Lot n° 3, appartement n° 204",
        "Bâtiment 12, porte 2041",
        "Salle n° 2041",
        "Menu n° 1234",
        "Page 1/12",
        "Quotient familial 1234",
        "QF : 645",
        "Nombre de points : 1234",
        "Code APE : 8891A",
        "Code barre 3 401234 567890",
        "Référence article : 4471-XL",
        "LPPR 4122118",
        "Code LPP : 4122118",
        "Série BX7712 (fauteuil)",
        "Immatriculation AB-123-CD",
        "Mot de passe provisoire : Xy4471zz",
        "Code d'accès : 447122",
        "Code confidentiel 4471",
        "Votre code PIN est 4471",
        "Digicode : 12A45",
        "Wifi : clé 44712288AA",
        "Whatsapp 07 68 05 02 26",
        "Urgences : 15, 112 ou 3114",
        "Serveur vocal 3230",
        "N° vert 0 800 123 456",
        "Tél. : 0 820 25 59 10",
        "Fax : 03.20.11.22.33",
        "+33 3 20 11 22 33",
        "www.mdph59.fr/2026/4471",
        "https://x.fr/d/AB-1234-55",
        "contact.2026-44@mdph.fr",
        "Version V2.14-2025",
        "Mise à jour 04-2026",
        "Taille 128-134 cm, pointure 33-34",
        "Dossier suivi par Mme Roy, poste 4471",
        "Revenu fiscal de référence : 23 456",
        "REVENU FISCAL DE RÉFÉRENCE : 23 456",
        "Revenu fiscal de référence        23 456",
        "Votre revenu fiscal de référence (ligne 25) : 23 456",
        "Revenus N-2 du foyer de référence : 23 456",
        "Salaire de référence : 2 100",
        "Salaire journalier de référence     2 100",
        "Montant de référence : 1500",
        "Montant forfaitaire de référence : 1 500",
        "Taxe de référence : 1 234",
        "Taxe de référence      1 234",
        "Prix de référence : 1 234",
        "Quotient familial de référence : 1 234",
        "Plafond de ressources de référence : 23 456",
        "Loyer mensuel de référence : 1 234",
        "| Tarif de référence | 1 234 |",
    ],
)
def test_what_names_no_file_is_no_reference(text):
    shown = [
        number for number in find_facts(text).references if number.kind not in {"form", "social_security", "pupil"}
    ]
    assert not shown


@pytest.mark.parametrize(
    "repeated",
    [
        "N° à rappeler dans ",
        "Famille 1 ",
        "118 bis ",
        "0814 SATD ",
        "n° 26-118, ",
        "LRAR 1A 209 ",
        "Réf  N°\n",
        "dossier est le n° ",
        "revenu fiscal de référence : 23 456 ",
    ],
)
def test_labels_take_linear_time(repeated):
    assert_linear(find_facts, repeated, 60_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Vos réf. : individu 0440118827 / dossier 2026-31-5507", ["0440118827", "2026-31-5507"]),
        ("Dossier : 2603114 / MP / 8", ["2603114 / MP / 8"]),
        ("Cde 77-4185", ["77-4185"]),
        ("Dos. 26-4471", ["26-4471"]),
        ("la facture 26-2214 du 3 mars", ["26-2214"]),
        ("Note d'honoraires 2026/118", ["2026/118"]),
        ("Bordereau 1182", ["1182"]),
        ("contrat GL 0088 41 7 / ligne", ["GL 0088 41 7"]),
        ("Contrat d'apprentissage enregistré sous le 029 2026 09 00418, gardez ce n°.", ["029 2026 09 00418"]),
        ("Numéro de RDV 88 417 K02.", ["88 417 K02"]),
        ("la facture de janvier (FAC-PERI 2026-1-8830, 23,40 €)", ["FAC-PERI 2026-1-8830"]),
        ("Votre identifiant est le 88120477.", ["88120477"]),
        ("votre numéro allocataire (4471820)", ["4471820"]),
        ("police d'assurance 118 447 20", ["118 447 20"]),
        ("à rappeler : 118/26", ["118/26"]),
        ("libre réponse n° 59252, 75443 Paris cedex 09", []),
        ("Déclaration 26-118447", ["26-118447"]),
        ("votre colis 8R 118 447 2044 1", ["8R 118 447 2044 1"]),
        ("contrat d'électricité 118447-20", ["118447-20"]),
        ("N° AVS 756.1184.4718.20", []),
        ("Mot de passe : A7F-22K", []),
        ("Service courrier 59045 LILLE CEDEX", []),
        ("Demande 12-16 ans, séjour 2026-2027", []),
        ("Code       Nom\nFRE-1240   Fauteuil roulant    1    2 890,00   2 890,00", []),
        (
            (
                "Créancier          Référence            Montant\n"
                "OPH DU GERS        LOC00771             1 306,00\n"
                "REGIE DES EAUX     26E-0188               412,37\n"
            ),
            ["LOC00771", "26E-0188"],
        ),
        ("| Date | N° de facture | Reste dû |\n| 03/03 | 2026 118 | 45,00 |", ["2026 118"]),
        ("Produit    Désignation    Réf.         Prix\nC1         Coussin        AB118447     45,00", []),
    ],
)
def test_short_labels_columns_and_codes_by_their_form(text, expected):
    assert references(text) == expected


@pytest.mark.parametrize(
    "number",
    [
        "06 12 34 56 78",
        "06.12.34.56.78",
        "01-44-55-66-77",
        "0033 6 12 34 56 78",
        "0 969 391 212",
        "0800 94 27 15",
        "36 46",
    ],
)
@pytest.mark.parametrize("label", ["N° client", "Réf. client", "Dossier n°", "Demande d'information"])
def test_a_telephone_number_behind_the_label_of_a_file_is_no_reference(label, number):
    assert references(f"{label} : {number}") == []


@pytest.mark.parametrize("number", ["0612345678", "0912 34 56 78", "0969 391 212"])
@pytest.mark.parametrize(
    "label",
    [
        "N° de dossier :",
        "Dossier MDPH n°",
        "N° de contrat :",
        "Dossier",
        "Réf. :",
        "N° de facture :",
        "N° d'adhérent :",
        "N° patient :",
        "Dossier client n°",
        "Service des prestations  N° de dossier :",
    ],
)
def test_a_number_of_a_file_may_have_the_digits_of_a_telephone(label, number):
    assert references(f"{label} {number}") == [number]


@pytest.mark.parametrize("number", ["0612345678", "0912 34 56 78", "0969 391 212"])
@pytest.mark.parametrize(
    "label",
    [
        "N° client :",
        "Client n°",
        "Numéro de client :",
        "Réf. client :",
        "Service client :",
        "Demande d'information :",
        "Tél. :",
        "Contact :",
        "Contact pour votre dossier :",
        "Dossier suivi par Mme Durand :",
        "Affaire suivie par :",
        "Secrétariat :",
        "Famille Durand :",
        "Votre référent, joignable au n°",
        "Numéro :",
    ],
)
def test_the_digits_of_a_telephone_behind_a_person_or_a_service_are_no_reference(label, number):
    assert references(f"{label} {number}") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Service client : 0969391212", []),
        ("Service client, dossier 0969391212", ["0969391212"]),
        ("N° client : 0123456789", ["0123456789"]),
        ("N° client : 6 112 448 073", ["6 112 448 073"]),
        ("Dossier : 3646", ["3646"]),
        ("Référence   Montant\n0612345678  12,00 €\n", ["0612345678"]),
        ("Contrat n° 06 12 34 56 789", ["06 12 34 56 789"]),
    ],
)
def test_a_number_that_is_only_like_a_telephone_number_is_a_reference(text, expected):
    assert references(text) == expected
