"""Days that are counted or told from another day, and whose duty they are: sentences of many offices."""

from __future__ import annotations

import pytest

from chat.documents.extraction import find_facts
from tests.chat.documents.letter_head import HEAD, days
from tests.support.growth import assert_linear


@pytest.mark.parametrize(
    ("sentence", "deadlines", "others"),
    [
        ("Merci de nous retourner le formulaire sous 48 h.", ["2026-03-14"], []),
        (
            "Rendez-vous le mardi 24 mars à 14 h. Merci de confirmer au plus tard 48 h avant.",
            ["2026-03-22"],
            ["2026-03-24"],
        ),
        (
            "Rendez-vous le mardi 24 mars à 14 h. Annulation possible jusqu'à 48 heures avant.",
            ["2026-03-22"],
            ["2026-03-24"],
        ),
        (
            "Réunion le mardi 24 mars à 14 h. Merci d'envoyer le bilan une semaine avant la réunion.",
            ["2026-03-17"],
            ["2026-03-24"],
        ),
        ("Consultation le mardi 24 mars à 14 h. Confirmez par SMS la veille.", ["2026-03-23"], ["2026-03-24"]),
        (
            "Hospitalisation le mardi 24 mars à 14 h. Appelez la veille de l'intervention entre 14 h et 16 h.",
            ["2026-03-23"],
            ["2026-03-24"],
        ),
        ("En cas d'absence, prévenir la veille avant 18 h.", [], []),
        (
            "L'équipe vous reçoit le mardi 24 mars à 14 h.\n\nMerci de nous dire une semaine avant si vous viendrez.",
            ["2026-03-17"],
            ["2026-03-24"],
        ),
        (
            "Présentez-vous le mardi 24 mars à 14 h.\n\nEn cas d'empêchement, avertissez-nous trois jours à l'avance.",
            ["2026-03-21"],
            ["2026-03-24"],
        ),
        (
            "Votre dossier passera à la CDAPH du 24 mars.\nPour être entendue, écrivez 48 heures avant la séance.",
            ["2026-03-22"],
            ["2026-03-24"],
        ),
        (
            "COUPURE D'EAU\nMardi 24 mars entre 8 h et 12 h\n\nSous dialyse ? Appelez-nous 5 jours avant la coupure.",
            ["2026-03-19"],
            ["2026-03-24"],
        ),
        (
            "Le groupe part lundi 23 mars (rendez-vous à 8 h), rentre le 27.\nFiche à rendre 8 jours avant le départ.",
            ["2026-03-15"],
            ["2026-03-23", "2026-03-27"],
        ),
        (
            "Commission réunie le 3 mars : accord. Facture à envoyer dans les 2 mois suivant la date de la commission.",
            ["2026-05-03"],
            ["2026-03-03"],
        ),
        (
            "Rendez-vous le 24 mars à 14 h, puis le 26 mars à 9 h.\n\nUn report se demande 72 heures à l'avance.",
            [],
            ["2026-03-24", "2026-03-26"],
        ),
        ("Toute absence doit être signalée 48 heures avant le rendez-vous.", [], []),
        (
            (
                "Votre droit prend fin le 31 décembre 2026. "
                "Déposez votre demande de renouvellement au moins six mois avant l'échéance."
            ),
            ["2026-06-30"],
            ["2026-12-31"],
        ),
        (
            "Votre AAH prend fin le 31 décembre 2026. Déposez votre dossier 4 mois avant l'échéance.",
            ["2026-08-31"],
            ["2026-12-31"],
        ),
        (
            (
                "Your appointment is on Tuesday 24 March at 2pm. "
                "Please call us at least 24 hours before your appointment if you cannot attend."
            ),
            ["2026-03-23"],
            ["2026-03-24"],
        ),
        *(
            (f"{right} Votre demande doit être déposée au moins six mois avant {end}.", ["2027-09-30"], others)
            for right, others in (
                ("Droit ouvert du 01/04/2026 au 31/03/2028.", ["2026-04-01", "2028-03-31"]),
                ("Fin de droit le 31/03/2028.", ["2028-03-31"]),
                ("Date de fin : 31/03/2028.", ["2028-03-31"]),
            )
            for end in ("l'échéance", "la fin de vos droits", "cette date")
        ),
        ("Le renouvellement doit être demandé avant le 30 juin 2026.", ["2026-06-30"], []),
        ("Nous devons recevoir le dossier avant le 30 juin 2026.", ["2026-06-30"], []),
        ("Vous devez nous prévenir au moins 20 jours à l'avance.", [], []),
        ("Rendez-vous le 24 mars à 9h. Pour annuler, appelez 2 jours ouvrés avant.", ["2026-03-20"], ["2026-03-24"]),
        (
            (
                "Vous êtes convoqué à l'audience du 25 juin 2026 à 9 h.\n\n"
                "Vos pièces doivent être transmises au plus tard dix jours avant la date d'audience."
            ),
            ["2026-06-15"],
            ["2026-06-25"],
        ),
        (
            "Votre enfant sera hospitalisé le 7 mai 2026 à 8 h. Appelez-nous la veille pour confirmer l'heure.",
            ["2026-05-06"],
            ["2026-05-07"],
        ),
        (
            "Si vous ne pouvez pas venir, prévenez-nous 72 h avant le rendez-vous du 24 mars.",
            ["2026-03-21"],
            ["2026-03-24"],
        ),
        ("Rentrée le 1er septembre 2026. Le transporteur vous appellera la veille.", [], ["2026-09-01"]),
        (
            "Le transporteur vous contactera trois jours avant la rentrée du 1er septembre 2026.",
            [],
            ["2026-08-29", "2026-09-01"],
        ),
        (
            (
                "Votre contrat se termine le 30 juin 2026. "
                "Vous devez demander le renouvellement deux mois avant son terme."
            ),
            ["2026-04-30"],
            ["2026-06-30"],
        ),
        (
            "Rendez-vous le 14 avril à 9 h. Merci de confirmer 8 à 10 jours avant le rendez-vous.",
            ["2026-04-04"],
            ["2026-04-14"],
        ),
        ("Vous pouvez résilier jusqu'à 15 jours avant l'échéance du 30 juin 2026.", ["2026-06-15"], ["2026-06-30"]),
        ("Vous devez demander le renouvellement deux mois avant le 30 juin 2026.", ["2026-04-30"], ["2026-06-30"]),
    ],
)
def test_a_period_before_a_day_is_counted_back_from_it(sentence, deadlines, others):
    assert days(sentence) == (deadlines, others)


def test_a_period_before_one_of_several_appointments_is_no_day():
    letter = "Séances le 17 mars à 9 h et le 24 mars à 9 h. Merci de prévenir 48 heures avant la séance."
    assert days(letter)[0] == []


def test_a_period_before_a_day_of_the_calendar_is_not_counted_from_an_appointment():
    appointment = "Réunion le mardi 24 mars à 14 h. Fiche à rendre 8 jours avant"
    assert days(f"{appointment} la rentrée.") == ([], ["2026-03-24"])
    assert days(f"{appointment} la réunion.") == (["2026-03-16"], ["2026-03-24"])


def test_the_end_of_a_right_is_that_of_the_child_named():
    letter = (
        "Lina : AEEH du 01/03/2026 au 30/06/2030\nMalo : AEEH du 01/03/2026 au 28/02/2029\n"
        "Pensez à redéposer le dossier de Malo au plus tard six mois avant la fin de son droit."
    )
    assert days(letter)[0] == ["2028-08-28"]


@pytest.mark.parametrize(
    ("sentence", "deadlines", "others"),
    [
        ("Je vous rappelle avant vendredi.", [], ["2026-03-13"]),
        ("Merci de me rendre le mot signé pour lundi.", ["2026-03-16"], []),
        ("À rendre lundi.", ["2026-03-16"], []),
        ("Pouvez-vous me répondre d'ici lundi ?", ["2026-03-16"], []),
        ("Je l'ai vu mardi dernier.", [], ["2026-03-10"]),
        ("Il sera absent le 18 et le 19.", [], ["2026-03-18", "2026-03-19"]),
        ("L'atelier a lieu le lundi et le jeudi.", [], []),
        ("Les séances ont lieu le mercredi de 14 h à 15 h.", [], []),
        ("Ouvert du lundi au vendredi, 9 h - 12 h.", [], []),
        ("Rendez-vous mercredi 18 à 10 h ou jeudi 19 même heure.", [], ["2026-03-18", "2026-03-19"]),
        ("If you wish to attend, please confirm by Friday 20 March.", ["2026-03-20"], []),
        ("Please return the form by next Tuesday.", ["2026-03-17"], []),
        ("Merci de rappeler demain avant 12 h.", ["2026-03-13"], []),
        ("La réunion de demain est annulée.", [], ["2026-03-13"]),
        ("L'épreuve se déroulera demain.", [], ["2026-03-13"]),
        ("Rapporter le cahier mardi 17, merci.", [], ["2026-03-17"]),
        ("Inscription avant le vendredi 27.", ["2026-03-27"], []),
        ("Léo sera en sortie jeudi 19, prévoir un pique-nique.", [], ["2026-03-19"]),
        ("On se voit mardi à 17 h.", [], ["2026-03-17"]),
        ("RDV lundi 16 mars, 9h.", [], ["2026-03-16"]),
        ("Rappelez-moi lundi si fièvre.", ["2026-03-16"], []),
        ("Revenir lundi si fièvre.", ["2026-03-16"], []),
        ("Piscine demain, pensez au maillot.", [], ["2026-03-13"]),
        ("Let us know by Monday.", ["2026-03-16"], []),
        ("Please reply by 5pm on Friday 20 March.", ["2026-03-20"], []),
    ],
)
def test_a_day_without_its_month_is_told_from_the_day_of_the_letter(sentence, deadlines, others):
    assert days(sentence) == (deadlines, others)


@pytest.mark.parametrize(
    ("sentence", "deadlines", "others"),
    [
        ("Vous disposez d'un délai de 30 jours à compter de la notification pour contester.", ["2026-04-11"], []),
        ("Merci de répondre sous huitaine.", ["2026-03-20"], []),
        ("Vous pouvez introduire un recours endéans les 3 mois de la notification.", ["2026-06-12"], []),
        ("Réponse souhaitée dans les 15 jours.", ["2026-03-27"], []),
        ("À régler dans les 30 jours suivant la date de la facture.", ["2026-04-11"], []),
        ("Paiement à 30 jours date de facture.", ["2026-04-11"], []),
        ("Le délai de recours est de deux mois.", ["2026-05-12"], []),
        ("Sans réponse de votre part d'ici 15 jours, le dossier sera classé.", ["2026-03-27"], []),
        ("Sans réponse de votre part avant le 30 mars, le dossier sera classé.", ["2026-03-30"], []),
        ("Faute de réponse sous un mois, votre demande sera rejetée.", ["2026-04-12"], []),
        ("Devis valable 3 mois.", ["2026-06-12"], []),
        ("Validité de l'offre : 30 jours.", ["2026-04-11"], []),
        ("Ce devis est valable un mois à compter de sa date d'émission.", ["2026-04-12"], []),
        ("Prix garantis jusqu'au 30 avril 2026.", ["2026-04-30"], []),
        ("Please reply within 14 days of the date of this letter.", ["2026-03-26"], []),
        ("You must appeal within one calendar month of the date on this letter.", ["2026-04-12"], []),
        ("Vous avez jusqu'au 31 mars pour accepter.", ["2026-03-31"], []),
        ("Les inscriptions sont ouvertes jusqu'au 31 mars.", ["2026-03-31"], []),
        ("Dossier à déposer pour le 31 mars au plus tard.", ["2026-03-31"], []),
        ("Date limite de réponse : 31 mars", ["2026-03-31"], []),
        ("À retourner pour le 31/03.", ["2026-03-31"], []),
        ("Le délai d'appel est d'un mois à compter de la notification du jugement.", ["2026-04-12"], []),
        (
            "Vous pouvez former opposition dans le délai de quinze jours à compter de la signification.",
            ["2026-03-27"],
            [],
        ),
        ("Vous pouvez faire appel dans un délai de dix jours.", ["2026-03-22"], []),
        (
            "Les pièces doivent nous parvenir avant le 30 juin 2026, faute de quoi la demande sera rejetée.",
            ["2026-06-30"],
            [],
        ),
        ("Passé le 30 juin 2026, la place sera attribuée à une autre famille.", ["2026-06-30"], []),
        ("Au-delà du 30 juin 2026, aucune demande ne sera acceptée.", ["2026-06-30"], []),
        ("Vous bénéficiez d'un délai de rétractation de 14 jours à compter de la signature.", ["2026-03-26"], []),
        ("Vous avez 14 jours pour vous rétracter.", ["2026-03-26"], []),
        ("Dans les huit jours suivant la réunion du 24 mars, envoyez vos remarques.", ["2026-04-01"], ["2026-03-24"]),
        ("Merci d'adresser vos remarques sous huit jours.", ["2026-03-20"], []),
        ("Un délai de 15 jours vous est accordé pour compléter le dossier.", ["2026-03-27"], []),
        ("Il vous reste 10 jours pour payer.", ["2026-03-22"], []),
        ("À défaut de paiement sous 8 jours, nous saisirons l'huissier.", ["2026-03-20"], []),
        ("Veuillez régulariser votre situation sous quinzaine.", ["2026-03-27"], []),
        ("Vous disposez de trente (30) jours calendaires pour faire opposition.", ["2026-04-11"], []),
        ("Recours gracieux possible pendant deux mois.", ["2026-05-12"], []),
        ("Vous pouvez contester cette décision pendant un mois.", ["2026-04-12"], []),
        ("La décision peut être contestée dans les deux mois.", ["2026-05-12"], []),
        ("Cette décision est susceptible d'appel dans le mois de sa notification.", ["2026-04-12"], []),
        ("Un recours peut être introduit dans les soixante jours de la notification.", ["2026-05-11"], []),
        ("Nous vous demandons de répondre avant le 30 mars.", ["2026-03-30"], []),
        ("Nous vous prions de bien vouloir nous retourner ce coupon avant le 30 mars.", ["2026-03-30"], []),
        ("Je vous remercie de me confirmer votre présence avant le 30 mars.", ["2026-03-30"], []),
        ("Nous vous rappelons que la cotisation est à régler avant le 30 mars.", ["2026-03-30"], []),
        ("Les parents transmettront le bilan avant le 30 mars.", ["2026-03-30"], []),
        ("Pour quand ? Le 30 mars au plus tard.", ["2026-03-30"], []),
        ("Réponse souhaitée le 30 mars.", ["2026-03-30"], []),
        ("Réponse attendue pour le 30 mars.", ["2026-03-30"], []),
        ("Merci de déposer le dossier complet le 30 mars au plus tard.", ["2026-03-30"], []),
        ("Clôture des inscriptions : 30 mars", ["2026-03-30"], []),
        ("Fin des inscriptions le 30 mars", ["2026-03-30"], []),
        ("Campagne ouverte du 1er au 30 avril 2026.", ["2026-04-30"], ["2026-04-01"]),
        ("Demande à faire en ligne du 1er avril au 30 avril 2026.", ["2026-04-30"], ["2026-04-01"]),
        ("Recours possible jusqu'au 12 mai 2026 inclus.", ["2026-05-12"], []),
        ("You have 28 days from the date of this letter to appeal.", ["2026-04-09"], []),
        ("Comments should reach us no later than 30 April 2026.", ["2026-04-30"], []),
        ("This offer is open until 30 April 2026.", ["2026-04-30"], []),
        ("The quote is valid for 30 days.", ["2026-04-11"], []),
        ("Payment is due within 30 days.", ["2026-04-11"], []),
        (
            "Vous devez présenter votre demande de révision dans les 60 jours suivant la date de cette lettre.",
            ["2026-05-11"],
            [],
        ),
        ("Vous pouvez demander une révision d'ici 90 jours.", ["2026-06-10"], []),
    ],
)
def test_what_the_reader_must_or_may_do_by_a_day_is_a_deadline(sentence, deadlines, others):
    assert days(sentence) == (deadlines, others)


@pytest.mark.parametrize(
    ("sentence", "others"),
    [
        ("Nous vous répondrons sous 15 jours.", []),
        ("Vous recevrez une réponse sous trois semaines.", []),
        ("Le virement interviendra sous 10 jours.", []),
        ("Votre carte vous sera adressée dans un délai de trois semaines.", []),
        ("La commande sera livrée sous 4 semaines.", []),
        ("Le secrétariat vous rappellera avant le 20 mars.", ["2026-03-20"]),
        ("Une place vous sera proposée avant le 30 juin.", ["2026-06-30"]),
        ("Carte valable 10 ans.", []),
        ("Ordonnance valable 6 mois.", []),
        ("En urgence, appelez le 15.", []),
        ("We aim to respond within 20 working days.", []),
        ("The plan will be reviewed by 30 June 2026.", ["2026-06-30"]),
        ("The school will send the report by 20 March.", ["2026-03-20"]),
        ("La piscine est fermée jusqu'au 31 mars.", ["2026-03-31"]),
        ("Le taxi est maintenu jusqu'au 31 mars.", ["2026-03-31"]),
        ("Prochaine séance : 31/03, 9 h 30.", ["2026-03-31"]),
        ("Séances des 16/03, 23/03 et 30/03.", ["2026-03-16", "2026-03-23", "2026-03-30"]),
        ("Vacances du 11 au 27 avril 2026.", ["2026-04-11", "2026-04-27"]),
        ("Fermeture du 24/12 au 02/01/2027.", ["2026-12-24", "2027-01-02"]),
        ("Le tribunal rendra sa décision le 30 avril 2026.", ["2026-04-30"]),
        ("Nous reviendrons vers vous d'ici le 30 juin.", ["2026-06-30"]),
        ("Le prélèvement aura lieu le 5 avril.", ["2026-04-05"]),
        ("Un rappel est prévu dans 15 jours.", []),
        ("Revenez dans trois mois.", []),
        ("La période d'essai est de deux mois.", []),
        ("Le stage dure trois semaines.", []),
        ("Après un délai de deux mois sans réponse, la demande est rejetée.", []),
        ("À payer avant le 15 du mois.", []),
        ("Le silence gardé pendant deux mois vaut rejet.", []),
        ("En l'absence de réponse de la caisse dans un délai de deux mois, vous pouvez saisir le tribunal.", []),
        ("L'administration dispose de deux mois pour répondre.", []),
        ("Nous clôturerons votre dossier le 30 mars.", ["2026-03-30"]),
        ("Le paiement sera effectué au plus tard le 30 mars.", ["2026-03-30"]),
        ("La MDPH doit répondre avant le 30 mars.", ["2026-03-30"]),
        ("L'école transmettra le GEVA-Sco avant le 30 mars.", ["2026-03-30"]),
        ("L'enseignante référente envoie le GEVA-Sco à la MDPH avant le 30 mars.", ["2026-03-30"]),
        ("Le médecin scolaire verra Léo avant le 30 mars.", ["2026-03-30"]),
        ("Le bilan sera fait par la psychologue avant le 30 mars.", ["2026-03-30"]),
        ("Le virement sera fait pour le 30 mars.", ["2026-03-30"]),
        ("Vos droits sont maintenus jusqu'au 12 mai 2026.", ["2026-05-12"]),
        ("Le matériel est prêté jusqu'au 3 juillet 2026.", ["2026-07-03"]),
        ("Mme Roy est en arrêt jusqu'au 30 mars.", ["2026-03-30"]),
        ("Stage du 13 au 17 avril.", ["2026-04-13", "2026-04-17"]),
        ("We will write to you by 30 April 2026.", ["2026-04-30"]),
        ("The council must issue the final plan by 30 April 2026.", ["2026-04-30"]),
        ("Your award ends on 30 April 2026.", ["2026-04-30"]),
    ],
)
def test_what_others_do_or_what_only_lasts_is_no_deadline(sentence, others):
    assert days(sentence) == ([], others)


def test_who_must_act_stands_in_the_row_of_a_table():
    table = (
        "| Quoi | Qui | Pour quand |\n| Renouvellement | parents | 31 mars |\n"
        "| Visite du collège | parents | 12 mai, 9 h |\n| GEVA-Sco | Mme Paoli | 20 mars |\n"
    )
    assert days(table) == (["2026-03-31"], ["2026-03-20", "2026-05-12"])


@pytest.mark.parametrize(
    "repeated",
    [
        "48 h avant ",
        "la veille ",
        "demain ",
        "avant lundi ",
        "12 mars 2026 audience 48 h avant ",
        "lundi 3 ",
        "je vous ",
        "2 avril ; 8 jours avant, ",
        "pas de demande après le 2 avril ",
        "transmettre du 2 mars ",
        "en cas de, sous 8 jours ",
        "si vous, sous 8 jours ",
        "sous 8 jours, soit le 2 avril, ",
        "8 jours avant le départ, soit le 2 avril, ",
        "après une absence, ",
        "conservez un droit ",
        "conservez pendant 2 ans ",
    ],
)
def test_counted_days_take_linear_time(repeated):
    assert_linear(find_facts, repeated, 60_000)


@pytest.mark.parametrize(
    ("sentence", "deadlines", "others"),
    [
        (
            "La sortie du 19 est reportée au 26. Merci de répondre avant le 17.",
            ["2026-03-17"],
            ["2026-03-19", "2026-03-26"],
        ),
        ("Nous nous voyons le 22 ou le 23 avril, dites-moi avant le 19.", ["2026-04-19"], ["2026-04-22", "2026-04-23"]),
        ("Les travaux débuteront le 1er juin et s'achèveront le 12.", [], ["2026-06-01", "2026-06-12"]),
        ("Pour les vacances d'avril (du 13 au 24), l'accueil est fermé.", [], ["2026-04-13", "2026-04-24"]),
        ("Votre courriel reçu le 3 a été transmis.", [], ["2026-03-03"]),
        ("La décision a été rendue le vingt et un janvier deux mille vingt-six.", [], ["2026-01-21"]),
        ("Je suis passée mardi, je repasserai vendredi à 10 h.", [], ["2026-03-10", "2026-03-13"]),
        ("La CAF du 93 et le 15 rue Haute ; les 3 et 4 premiers ; appelez le 18.", [], []),
        ("Le loyer est prélevé le 5 de chaque mois.", [], []),
        ("Rendez-vous le 24 mars à 9 h ou le lendemain.", [], ["2026-03-24", "2026-03-25"]),
        (
            "Départ le 11 juillet. Solde le 3 juin. Fiche à nous faire passer un mois avant le départ.",
            ["2026-06-11"],
            ["2026-06-03", "2026-07-11"],
        ),
        ("À réception de mon rapport, vous aurez 10 jours pour répondre.", [], []),
        ("Un retour nous est promis pour le 30 mars.", [], ["2026-03-30"]),
        ("La partie adverse a jusqu'au 31 mars pour répondre.", [], ["2026-03-31"]),
        ("Payez avant le 5 avril, sinon vos droits seront suspendus au 1er mai.", ["2026-04-05"], ["2026-05-01"]),
        ("Your claim: service dates 01/14/2026 to 02/18/2026.", [], ["2026-01-14", "2026-02-18"]),
    ],
)
def test_days_without_month_and_days_of_a_named_event(sentence, deadlines, others):
    assert days(sentence) == (deadlines, others)


@pytest.mark.parametrize(
    ("sentence", "deadlines", "others"),
    [
        # Written in short: with hyphens, in rows, in lists.
        ("Dossier à rendre pour le 30-04.", ["2026-04-30"], []),
        ("Réponse avant le 1er/04 svp.", ["2026-04-01"], []),
        ("Votre appel du 1er/12 nous est bien parvenu.", [], ["2025-12-01"]),
        ("09-04   PRLV CANTINE   96,00 €\n10-04   PRLV ASSURANCE   18,90 €", [], ["2026-04-09", "2026-04-10"]),
        ("Prochaines réunions : 07/04 (école) puis 12/05 (collège).", [], ["2026-04-07", "2026-05-12"]),
        ("• 25/04 : kermesse", [], ["2026-04-25"]),
        ("Atelier 6-12 ans, les 10-12 enfants du groupe, note 12/20, dossier n° 12/05, vue 10/10.", [], []),
        # Expected from the reader, though it reads like the past.
        ("Candidatures : par écrit, reçues le 20 mars au plus tard.", ["2026-03-20"], []),
        ("Les dossiers déposés le 2 avril au plus tard seront étudiés.", ["2026-04-02"], []),
        # Opening hours are no days.
        ("Accueil du public lundi-jeudi 9h-12h.", [], []),
        ("Accueil mardi/jeudi 9h-12h.", [], []),
        # A cue belongs to its own day.
        ("Dites-moi avant mercredi 18 si Enzo vient le vendredi 27.", ["2026-03-18"], ["2026-03-27"]),
        ("Répondez avant le 20 mars pour la sortie du 3 avril.", ["2026-03-20"], ["2026-04-03"]),
        ("Prévenez-moi d'ici le 20/03 si vous venez le 27/03 au goûter.", ["2026-03-20"], ["2026-03-27"]),
        ("Merci de rendre le livret avant le 20 mars ou le 23 mars.", ["2026-03-20", "2026-03-23"], []),
    ],
)
def test_days_written_in_short_and_cues_of_another_day(sentence, deadlines, others):
    assert days(sentence) == (deadlines, others)


@pytest.mark.parametrize(
    ("sentence", "others"),
    [
        ("La Région répondra à toutes les familles pour le 21 août 2026.", ["2026-08-21"]),
        ("Le service enverra un courrier aux parents avant le 30 mars.", ["2026-03-30"]),
        ("J'ai demandé des explications au directeur, qui doit me répondre avant le 30 mars.", ["2026-03-30"]),
        ("Le dossier est chez l'expert, qui devra rendre son rapport pour le 30 mars.", ["2026-03-30"]),
        ("Nous nous engageons à vous répondre au plus tard le 29 mai 2026.", ["2026-05-29"]),
        ("Mes services s'engagent à pourvoir le poste pour le 13 avril 2026.", ["2026-04-13"]),
        ("Le rapport du service gardien devra être déposé pour le 16 avril 2026.", ["2026-04-16"]),
        ("L'expertise du médecin doit être remise avant le 16 avril 2026.", ["2026-04-16"]),
        ("La carte arrivant à expiration le 31/12/2026, pensez à nous signaler tout changement.", ["2026-12-31"]),
        ("Le solde non consommé est perdu au 31/12/2026.", ["2026-12-31"]),
        ("Nous mettrons tout en œuvre pour vous répondre avant le 30 mars.", ["2026-03-30"]),
        ("L'établissement s'est engagé à envoyer le bilan avant le 30 mars.", ["2026-03-30"]),
        ("Il appartient à la CAF de répondre avant le 30 mars.", ["2026-03-30"]),
    ],
)
def test_what_others_have_promised_or_owe_is_no_deadline(sentence, others):
    assert days(sentence) == ([], others)


@pytest.mark.parametrize(
    ("sentence", "deadlines", "others"),
    [
        ("Chèque à l'ordre de la régie jusqu'au 25.03.26 inclus. Au-delà, transmission au Trésor.", ["2026-03-25"], []),
        ("Annulation sans frais jusqu'au 31 mai ; au-delà, 30 % du prix est conservé.", ["2026-05-31"], []),
        ("Votre envoi vous attend jusqu'au : sam. 21/03/26\nPassé cette date, il sera retourné.", ["2026-03-21"], []),
        ("Réservations des vacances : ouvertes du 16.03.26 au 27.03.26.", ["2026-03-27"], ["2026-03-16"]),
        ("Péremption du médicament : 31/10/2026 (à remplacer avant cette date)", ["2026-10-31"], []),
        ("Paiement en ligne possible jusqu'au 30 mars.", ["2026-03-30"], []),
        ("Le colis est à votre disposition jusqu'au 30 mars.", ["2026-03-30"], []),
        ("Les parents qui doivent rendre le dossier avant le 30 mars sont invités.", ["2026-03-30"], []),
        ("Les familles répondront pour le 30 mars.", ["2026-03-30"], []),
        ("Il appartient à la famille de répondre avant le 30 mars.", ["2026-03-30"], []),
        ("Vous vous engagez à fournir l'attestation avant le 30 mars.", ["2026-03-30"], []),
        ("Les rapports des médecins sont à envoyer avant le 30 mars.", ["2026-03-30"], []),
        ("Votre médecin doit remplir le certificat avant le 30 mars.", ["2026-03-30"], []),
    ],
)
def test_what_happens_past_a_day_tells_that_it_is_a_deadline(sentence, deadlines, others):
    assert days(sentence) == (deadlines, others)


@pytest.mark.parametrize(
    ("sentence", "deadlines", "others"),
    [
        (
            (
                "Congé du 1er avril au 30 juin 2026. Toute prolongation doit être demandée quinze jours au "
                "moins avant le terme."
            ),
            ["2026-06-15"],
            ["2026-04-01", "2026-06-30"],
        ),
        (
            (
                "La mesure, en place depuis le 15 juillet 2025, prend fin le 14 juillet 2026. "
                "Écrivez-nous une semaine au moins avant la fin de la mesure."
            ),
            ["2026-07-07"],
            ["2025-07-15", "2026-07-14"],
        ),
        (
            (
                "BILAN SANGUIN    | 04/06/2026 | 08H00 |\nHOSPITALISATION  | 15/06/2026 | 07H00 |\n"
                "A NOUS RETOURNER SIGNE, 8 JOURS AVANT\nL'HOSPITALISATION : autorisation d'opérer."
            ),
            ["2026-06-07"],
            ["2026-06-04", "2026-06-15"],
        ),
        (
            (
                "Dates : du sam. 11 juil. au ven. 24 juil. 2026\nSolde pour le 15 juin\n"
                "Fiche sanitaire : 3 semaines avant le départ au plus tard."
            ),
            ["2026-06-15", "2026-06-20"],
            ["2026-07-11", "2026-07-24"],
        ),
        (
            "Séjour du 6 au 17 juillet 2026. Le certificat est à envoyer 15 jours avant le début du séjour.",
            ["2026-06-21"],
            ["2026-07-06", "2026-07-17"],
        ),
        (
            (
                "Votre contrat court du 1er avril 2026 au 31 mars 2027. Vous pouvez le résilier deux mois "
                "avant l'échéance."
            ),
            ["2027-01-31"],
            ["2026-04-01", "2027-03-31"],
        ),
    ],
)
def test_a_period_before_an_end_a_departure_or_a_row_of_a_table(sentence, deadlines, others):
    assert days(sentence) == (deadlines, others)


@pytest.mark.parametrize(
    ("sentence", "others"),
    [
        ("Fermeture du 16 au 20/04.", ["2026-04-16", "2026-04-20"]),
        ("Fermeture du 16 au 20-04.", ["2026-04-16", "2026-04-20"]),
        ("Réunions 24-03 et 31-03 ; les 6-12 ans, n° 26-04.", ["2026-03-24", "2026-03-31"]),
        ("Essais les 25 et 26/06.", ["2026-06-25", "2026-06-26"]),
        ("Séances les 2, 9 et 16.04.2026.", ["2026-04-02", "2026-04-09", "2026-04-16"]),
        ("Trajets faits entre le 12 et le 28/02/2026.", ["2026-02-12", "2026-02-28"]),
        ("Absent le 18 et le mardi 24/03.", ["2026-03-18", "2026-03-24"]),
    ],
)
def test_the_days_of_a_series_share_a_month_in_digits(sentence, others):
    assert days(sentence) == ([], others)


@pytest.mark.parametrize(
    ("sentence", "deadlines", "others"),
    [
        ("Publié le 18 mars 2026. Recours dans les deux mois de sa publication.", ["2026-05-18"], ["2026-03-18"]),
        ("Recours possible dans les deux mois qui suivent.", ["2026-05-12"], []),
        ("Le présent avis peut être contesté dans les 30 jours de sa date.", ["2026-04-11"], []),
        ("Nous vous laissons trois semaines pour répondre.", ["2026-04-02"], []),
        ("À défaut de paiement sous 8 jours, des frais seront ajoutés.", ["2026-03-20"], []),
        ("Nous nous efforçons de répondre dans les quatre mois.", [], []),
        ("Merci de répondre sous 15j", ["2026-03-27"], []),
        ("Merci de répondre sous 2 sem.", ["2026-03-26"], []),
        ("Merci de répondre sous 48h00.", ["2026-03-14"], []),
        ("Vous disposez d'un délai de rétractation de 14 jours.", ["2026-03-26"], []),
        ("Passé deux mois, la décision sera définitive.", ["2026-05-12"], []),
        ("RAPO : 2 mois.", ["2026-05-12"], []),
        ("Toute absence est à justifier sous 48 heures.", [], []),
        ("Nous traitons les demandes sous deux mois.", [], []),
        ("Votre déclaration doit partir sous cinq jours, elle est donc hors délai.", [], []),
        ("Vos remboursements restent faits sous 48 heures.", [], []),
        (
            "Devis à examiner à la séance du 15 avril ; dépôt des pièces une semaine avant.",
            ["2026-04-08"],
            ["2026-04-15"],
        ),
        (
            "Séances les 14 et 21 avril à 9h. Questionnaires à recevoir une semaine avant le premier rendez-vous.",
            ["2026-04-07"],
            ["2026-04-14", "2026-04-21"],
        ),
        (
            "Je passerai le 10 avril à 10h (le rdv du 3 avril est supprimé). Sinon, un mail deux jours avant.",
            ["2026-04-08"],
            ["2026-04-03", "2026-04-10"],
        ),
        (
            "Séjour Ferme, 12 au 25 juillet. Solde trente jours avant le départ.",
            ["2026-06-12"],
            ["2026-07-12", "2026-07-25"],
        ),
        ("Stage du lundi 6 juillet au vendredi 10.", [], ["2026-07-06", "2026-07-10"]),
        ("Dernières séances : 6, 13 et 20 mars.", [], ["2026-03-06", "2026-03-13", "2026-03-20"]),
        ("Suite à notre conversation de vendredi au portail.", [], ["2026-03-06"]),
        ("Je vous ai gardé le mercredi 8 avril.", [], ["2026-04-08"]),
        ("Travaux votés en AG le 12 décembre.", [], ["2025-12-12"]),
    ],
)
def test_periods_of_offices_publications_and_the_last_day_named(sentence, deadlines, others):
    assert days(sentence) == (deadlines, others)


@pytest.mark.parametrize(
    "head", ["Arras 10/03/26", "Publié le mar. 10 mars 2026 par Mme Petit (CPE)", "Réponse du : 10 mars 2026"]
)
def test_the_date_of_a_letter_stands_behind_a_place_or_a_word(head):
    dates = find_facts(f"Taxi Coquelicot\n{head}\n\nMerci de répondre pour le 25 de ce mois.").dates
    assert [(date.iso, date.kind) for date in dates] == [("2026-03-25", "deadline"), ("2026-03-10", "letter")]


def test_the_number_of_a_note_is_no_day_of_a_series():
    dates = find_facts("Note aux familles n° 4 - 30 septembre 2026\n\nBonjour").dates
    assert [date.iso for date in dates] == ["2026-09-30"]


@pytest.mark.parametrize(
    ("sentence", "deadlines", "others"),
    [
        ("Réunion au parc jeudi 26 mars. Inscription jusqu'à J-7.", ["2026-03-19"], ["2026-03-26"]),
        (
            "Notre AG se tient le 24 mars.\nPouvoir à remettre trois jours avant l'assemblée.",
            ["2026-03-21"],
            ["2026-03-24"],
        ),
        (
            "Le technicien viendra mardi 24 mars à 14 h.\n\nEnvoyez la facture la veille de son passage au plus tard.",
            ["2026-03-23"],
            ["2026-03-24"],
        ),
        (
            "La location arrive à son terme le 31 mars 2026. Rendez-le huit jours au plus après la fin de la location.",
            ["2026-04-08"],
            ["2026-03-31"],
        ),
        (
            "Le congé débutera le 4 mai 2026 et son terme est le 3 août 2026.\n\nPrévenez-nous un mois avant le terme.",
            ["2026-07-03"],
            ["2026-05-04", "2026-08-03"],
        ),
        (
            "Le séjour aura lieu du lun 18 au merc 20 mai.\nSolde à verser la veille du début du séjour.",
            ["2026-05-17"],
            ["2026-05-18", "2026-05-20"],
        ),
        (
            "Contestez dans les deux mois à compter de la présente notification (loi du 10 juillet 1965).",
            ["2026-05-12"],
            ["1965-07-10"],
        ),
        (
            "Résultats : 26 mars.\nInscription dans les cinq jours qui suivent les résultats.",
            ["2026-03-31"],
            ["2026-03-26"],
        ),
        (
            "Le bail est résilié depuis le 2 mars. Clés à rendre sous 30 jours à compter de la résiliation.",
            ["2026-04-01"],
            ["2026-03-02"],
        ),
        ("Merci de nous régler sous 15 jrs.", ["2026-03-27"], []),
        ("Merci de rapporter les jeux sous huit jours, après la caution est encaissée.", ["2026-03-20"], []),
        ("Merci de nous le retourner s0us un mois.", ["2026-04-12"], []),
        ("Vos observations sont à envoyer dans les vingt jours de la date ci-des-\nsus.", ["2026-04-01"], []),
    ],
)
def test_periods_that_are_counted_from_what_a_day_is_called_elsewhere(sentence, deadlines, others):
    assert days(sentence) == (deadlines, others)


@pytest.mark.parametrize(
    ("sentence", "deadlines", "others"),
    [
        ("Merci de répondre avant le 1er du mois prochain.", ["2026-04-01"], []),
        ("La licence est à régler au plus tard le 30 du mois prochain.", ["2026-04-30"], []),
        ("Certificat à fournir au plus tard le dernier jour de ce mois.", ["2026-03-31"], []),
        ("Merci de répondre pour vendredi prochain dernier carat.", ["2026-03-13"], []),
        ("Merci de répondre pour lundi en huit.", ["2026-03-23"], []),
        ("Merci de me donner vos jours pour apres demain au plus tard.", ["2026-03-14"], []),
        ("Réunion le mardi 24 mars 2026. Inscrivez-vous jusqu'au vendredi précédent.", ["2026-03-20"], ["2026-03-24"]),
        ("Autorisation à rendre avant vend. 13.", ["2026-03-13"], []),
        ("Fermeture du 20 au 24/12.", [], ["2025-12-20", "2025-12-24"]),
        ("Vacances du 15 au 28.", [], ["2026-03-15", "2026-03-28"]),
        ("Acompte à verser pour le 20.03\n2) solde avant le 15.06", ["2026-03-20", "2026-06-15"], []),
        ("Engagement à m'envoyer avant le 1er (la ligue ferme les listes).", ["2026-04-01"], []),
        (
            "Réunion le mardi 21 avril.\n\nLe bilan sera lu à la réunion du 21.",
            [],
            ["2026-04-21"],
        ),
        ("Vous pouvez réclamer jusqu'au 31 décembre de l'année suivant celle de l'avis.", ["2027-12-31"], []),
    ],
)
def test_days_told_in_everyday_words(sentence, deadlines, others):
    assert days(sentence) == (deadlines, others)


@pytest.mark.parametrize(
    "sentence",
    [
        "En cas de changement de situation, vous devez nous en informer sous 30 jours.",
        "En cas d'hospitalisation de votre enfant, prévenez-nous dans les 48 heures.",
        "Si votre situation change, informez-nous dans les 15 jours.",
        "En cas de rejet de votre recours, vous pourrez saisir le tribunal dans un délai de deux mois.",
        "En cas de rejet de votre recours, vous pouvez saisir le tribunal dans un délai de deux mois.",
        "Lorsque votre enfant est malade, vous devez fournir un certificat sous 48 heures.",
        "Dès que vous déménagez, vous devez nous prévenir sous 8 jours.",
        "Après une hospitalisation, envoyez le bulletin dans les 48 heures.",
        "S'il change d'école, vous devez nous en informer dans un délai d'un mois.",
        "Si vous déménagez, vous devez nous prévenir sous 15 jours.",
        "Si vous reprenez une activité, vous disposez d'un mois pour nous le déclarer.",
        "Si vos ressources évoluent, déclarez-le sous 30 jours.",
        "À chaque changement de traitement, vous devez prévenir l'école sous 8 jours.",
        "Nous vous rappelons qu'en cas de séparation, vous devez nous en informer dans les 30 jours.",
        "En cas d'accident, vous devez nous le déclarer dans un délai de cinq jours.",
        "En cas de perte de la carte, vous devez faire une déclaration sous 48 heures.",
        "Si la commission refuse, vous pourrez faire un recours dans un délai de deux mois.",
        "Si votre recours n'est pas accepté, vous pouvez saisir le tribunal dans un délai de deux mois.",
        "Si la commission confirme son refus, vous disposez de deux mois pour saisir le tribunal.",
        "En cas d'arrêt de travail, vous devez envoyer le volet 1 sous 48 heures.",
        "En cas de déménagement vous devez nous avertir sous 30 jours.",
        "En cas de changement de situation : à déclarer sous 30 jours.",
        "Vous devez nous informer sous 30 jours en cas de changement de situation.",
        "Prévenez-nous dans les 48 heures en cas d'hospitalisation.",
        "Informez-nous sous 15 jours si votre situation change.",
        "Vous devez nous prévenir sous 48 heures lorsque votre enfant est hospitalisé.",
        "En l'absence de réponse de notre part, vous pouvez saisir le tribunal dans un délai de deux mois.",
        "Sans réponse de la commission, vous pouvez saisir le tribunal dans un délai de deux mois.",
        "Quand votre enfant revient d'un séjour, vous devez rendre le carnet sous 48 heures.",
        "En cas d'accident, vous devez nous prévenir dans les 48 heures qui suivent.",
        "En cas de rejet, vous disposez de deux mois à compter de la notification pour saisir le tribunal.",
        "Toute modification de vos ressources doit être signalée dans un délai d'un mois.",
        "Un changement de situation doit être déclaré dans les 15 jours.",
        "If your circumstances change, you must tell us within 14 days.",
        "Si un autre organisme vous verse une aide, vous devez nous le signaler sous 15 jours.",
        "Pour toute hospitalisation, vous devez nous prévenir sous 48 heures.",
        "En cas d'aggravation, vous devez nous le signaler sous 15 jours.",
        "En cas de vol du fauteuil, déclarez-le à l'assurance dans les deux jours.",
        "Si votre enfant est hospitalisé, prévenez le service dans les 48 heures.",
        "Si votre enfant quitte l'établissement, vous devez nous prévenir dans un délai d'un mois.",
        "S'il est absent, merci de fournir un certificat sous 48 heures.",
        "Lorsqu'un changement intervient, signalez-le sous 15 jours.",
        "Dès qu'un diagnostic est posé, envoyez-le-nous sous 30 jours.",
        "Après chaque hospitalisation, vous devez transmettre le bulletin sous 8 jours.",
        "Après un accident, vous disposez de cinq jours pour le déclarer.",
        "Vous devrez, en cas de reprise d'activité, nous en informer sous 15 jours.",
        "Attention : si vous partez à l'étranger, vous devez nous prévenir sous 30 jours.",
        "Nous vous rappelons que si vos revenus changent, vous devez les déclarer dans les 30 jours.",
        "Toutefois, en cas de refus de la caisse, vous pouvez saisir le tribunal dans un délai de deux mois.",
        "Si vous ne recevez pas de réponse, vous pouvez saisir le tribunal dans un délai de deux mois.",
        "Si votre demande est rejetée, vous avez deux mois pour la contester.",
        "Si la CDAPH rejette votre demande, vous pourrez la contester dans un délai de deux mois.",
        "En cas de décès, la famille doit prévenir la caisse dans les 15 jours.",
        "En cas de panne, prévenez le réparateur sous 48 heures.",
        "Quand la situation de votre enfant évolue, prévenez-nous sous un mois.",
        "En cas d'absence de votre enfant, vous devez nous prévenir sous 48 heures.",
        "En cas de sinistre, déclarez-le dans les cinq jours ouvrés.",
        "En l'absence d'un certificat, vous aurez 15 jours pour en fournir un.",
        "Vous pouvez saisir le tribunal dans un délai de deux mois en cas de rejet de votre recours.",
        "Merci de nous prévenir sous 48 heures si votre adresse change.",
        "Si le juge le demande, vous devez produire ces pièces sous 15 jours.",
        "En cas de modification de votre situation familiale, vous devez en informer la CAF sous 15 jours.",
        "Si un nouveau médecin suit votre enfant, il faut nous le signaler sous 15 jours.",
        "En cas de départ, le préavis doit être donné dans un délai de deux mois.",
        "Si vous obtenez un rendez-vous, transmettez-nous la date sous 8 jours.",
        "Madame, Monsieur,\n\nEn cas de changement de situation, vous devez nous en informer sous 30 jours.",
        "Vos obligations :\n- en cas d'hospitalisation, vous devez nous prévenir sous 48 heures.",
        "Les changements de situation doivent être déclarés dans les 15 jours.",
        "Après un rejet de votre recours, vous pouvez saisir le tribunal dans un délai de deux mois.",
        "Si vous êtes hospitalisé, prévenez-nous sous 48 heures.",
        "Si vous percevez une nouvelle aide, déclarez-la sous 15 jours.",
        "Si vous restez sans réponse de notre part, vous avez deux mois pour saisir le tribunal.",
        "Si vous restez absent, justifiez-le sous 48 heures.",
        "Après la décision de la commission, vous disposez de deux mois pour saisir le tribunal.",
        "Après la naissance de votre enfant, vous avez 15 jours pour le déclarer.",
        "Après l'hospitalisation, vous devez transmettre le bulletin sous 8 jours.",
        "Après hospitalisation, vous avez 48 heures pour nous prévenir.",
        "À défaut d'accord, vous pourrez saisir la commission médicale dans les deux mois.",
        "À défaut de décision du département, vous pourrez contester dans un délai de deux mois.",
        "Faute de décision, la demande est rejetée. Vous pourrez alors former un recours dans un délai de deux mois.",
        "Sans décision, votre recours est rejeté. Vous pourrez ensuite saisir le tribunal dans un délai de deux mois.",
        "La commission rendra sa décision. Vous pourrez ensuite saisir le tribunal dans un délai de deux mois.",
        "Vous recevrez une décision. Vous pourrez alors saisir le tribunal dans un délai de deux mois.",
        "Un médiateur va être saisi. Vous pourrez ensuite saisir le tribunal dans un délai de deux mois.",
        "Contestez d'abord auprès de la MDPH. Vous pourrez ensuite saisir le tribunal dans un délai de deux mois.",
        "À défaut d'accord avec l'école, vous pourrez saisir la commission médicale dans les deux mois.",
        "À défaut d'accord des parents, vous pourrez saisir la commission dans les deux mois.",
    ],
)
def test_a_duty_that_may_never_arise_has_no_day(sentence):
    assert days(sentence) == ([], [])
    assert [date.iso for date in find_facts(HEAD + sentence).dates if date.kind == "deadline"] == [None]


@pytest.mark.parametrize(
    ("sentence", "deadline"),
    [
        ("En cas de désaccord, vous pouvez contester cette décision dans un délai de deux mois.", "2026-05-12"),
        ("En cas de contestation, vous disposez de deux mois pour saisir la commission.", "2026-05-12"),
        ("Si vous contestez cette décision, vous avez deux mois pour écrire au président.", "2026-05-12"),
        ("Si vous souhaitez contester cette décision, vous disposez de deux mois.", "2026-05-12"),
        ("Si vous n'êtes pas d'accord, vous pouvez faire un recours dans un délai de deux mois.", "2026-05-12"),
        ("Si vous n'êtes pas d'accord avec cette décision, vous avez deux mois pour la contester.", "2026-05-12"),
        ("Si vous ne répondez pas sous 15 jours, votre dossier sera classé.", "2026-03-27"),
        ("Sans réponse de votre part sous 15 jours, votre dossier sera classé.", "2026-03-27"),
        ("Si nous ne recevons pas votre réponse dans les 15 jours, le dossier sera classé.", "2026-03-27"),
        ("Si votre dossier n'est pas complété sous 15 jours, il sera classé.", "2026-03-27"),
        ("Si votre dossier, déposé le 3 mars, n'est pas complété sous 15 jours, il sera classé.", "2026-03-27"),
        ("En cas de non-paiement sous 8 jours, nous saisirons un huissier.", "2026-03-20"),
        ("Si vous souhaitez participer, merci de répondre sous 15 jours.", "2026-03-27"),
        ("Si vous acceptez cette proposition, renvoyez-nous le devis sous 15 jours.", "2026-03-27"),
        ("Si cette décision ne vous convient pas, vous avez deux mois pour la contester.", "2026-05-12"),
        ("Si votre enfant participe, merci de rendre le coupon sous 8 jours.", "2026-03-20"),
        ("En cas d'erreur, merci de nous la signaler sous 15 jours.", "2026-03-27"),
        ("En cas de litige, vous pouvez écrire au médiateur dans un délai de deux mois.", "2026-05-12"),
        ("En cas de refus de votre part, merci de nous prévenir sous 8 jours.", "2026-03-20"),
        ("Après étude de votre dossier, nous vous demandons de le compléter sous un mois.", "2026-04-12"),
        ("Après examen de votre demande, merci de nous envoyer le certificat sous 15 jours.", "2026-03-27"),
        ("Merci de nous dire sous 8 jours si votre enfant mange à la cantine.", "2026-03-20"),
        ("Merci de nous répondre sous 15 jours si possible.", "2026-03-27"),
        ("Si ce n'est déjà fait, merci de régler la facture sous 8 jours.", "2026-03-20"),
        ("Si le montant vous semble inexact, vous avez deux mois pour le contester.", "2026-05-12"),
        ("En l'absence de réponse de votre part sous 15 jours, votre demande sera rejetée.", "2026-03-27"),
        ("En cas d'absence de réponse sous 15 jours, votre demande sera rejetée.", "2026-03-27"),
        ("Si vous n'avez pas encore envoyé le certificat, faites-le sous 15 jours.", "2026-03-27"),
        ("Même si un recours est formé, vous devez payer sous 30 jours.", "2026-04-11"),
        ("Pour savoir si votre enfant viendra, merci de nous répondre sous 8 jours.", "2026-03-20"),
        ("Si vous êtes en désaccord, vous pouvez saisir le tribunal dans un délai de deux mois.", "2026-05-12"),
        (
            "Si vous estimez que cette décision est injustifiée, vous disposez de deux mois pour la contester.",
            "2026-05-12",
        ),
        ("If you disagree with this decision, you have one month to appeal.", "2026-04-12"),
        ("Merci de compléter votre dossier sous 15 jours ; en cas de retard, il sera classé.", "2026-03-27"),
        ("Vous pouvez, si vous le souhaitez, faire un recours dans un délai de deux mois.", "2026-05-12"),
        ("Veuillez régler cette somme sous 15 jours, en cas de retard des frais seront ajoutés.", "2026-03-27"),
        ("Dès que possible, et au plus tard sous 15 jours, envoyez-nous le certificat.", "2026-03-27"),
        ("S'il vous plaît, répondez-nous sous 8 jours.", "2026-03-20"),
        ("Si besoin, appelez-nous sous 15 jours.", "2026-03-27"),
        ("Si vous désirez faire appel, vous avez un mois.", "2026-04-12"),
        ("En cas d'acceptation, renvoyez le devis signé sous 15 jours.", "2026-03-27"),
        ("En cas de recours, vous disposez de deux mois pour saisir le tribunal.", "2026-05-12"),
        ("En cas de paiement par chèque, envoyez-le sous 15 jours.", "2026-03-27"),
        ("Si vous n'avez pas payé, nous vous demandons de le faire sous 8 jours.", "2026-03-20"),
        ("Si la présente décision ne vous satisfait pas, vous disposez de deux mois pour la contester.", "2026-05-12"),
        ("Vous disposez de deux mois, si vous le souhaitez, pour faire un recours.", "2026-05-12"),
        ("Si vous pensez qu'il y a une erreur, écrivez-nous sous 15 jours.", "2026-03-27"),
        ("En cas de désaccord avec cette décision vous disposez de deux mois pour la contester.", "2026-05-12"),
        ("En cas d'empêchement, prévenez-nous dans les 48 h suivant la date de ce courrier.", "2026-03-14"),
        ("Si vous voulez garder la place, vous devez répondre sous 8 jours.", "2026-03-20"),
        (
            "Après vérification de vos droits, nous vous demandons de rembourser cette somme sous 30 jours.",
            "2026-04-11",
        ),
        (
            "Suite à votre demande, et après examen du dossier, merci de nous envoyer le bilan sous 15 jours.",
            "2026-03-27",
        ),
        ("Après nos deux relances, vous devez payer sous 8 jours.", "2026-03-20"),
        ("Si le montant vous paraît erroné, vous avez 30 jours pour réclamer.", "2026-04-11"),
        ("Si vous demandez un échéancier, écrivez-nous sous 15 jours.", "2026-03-27"),
        ("Si votre enfant est intéressé, merci de renvoyer le coupon sous 8 jours.", "2026-03-20"),
        ("À défaut de réponse sous 15 jours, et si rien ne change, le dossier sera classé.", "2026-03-27"),
        (
            "Votre enfant peut être accueilli lundi ou mardi ; si cela vous convient, répondez-nous sous 8 jours.",
            "2026-03-20",
        ),
        ("Si le paiement n'est pas reçu dans un délai de 8 jours, nous saisirons un huissier.", "2026-03-20"),
        ("Merci de nous confirmer sous 8 jours si votre enfant viendra.", "2026-03-20"),
        (
            "Après avoir examiné votre dossier, la commission la rejette : vous avez deux mois pour la contester.",
            "2026-05-12",
        ),
        ("Après décision de la CDAPH, vous disposez de deux mois pour contester.", "2026-05-12"),
        ("Après décision favorable de la CDAPH, vous disposez de deux mois pour nous répondre.", "2026-05-12"),
        ("Après le rejet de votre demande, vous disposez de deux mois pour contester.", "2026-05-12"),
        ("Si vous restez en désaccord, vous disposez de deux mois.", "2026-05-12"),
        ("Après évaluation par l'équipe pluridisciplinaire, vous disposez de 15 jours pour répondre.", "2026-03-27"),
        ("Après révision de vos droits, vous devez nous rembourser 300 € dans un délai de 20 jours.", "2026-04-01"),
        ("Si vous saisissez le tribunal, vous devez le faire dans un délai de deux mois.", "2026-05-12"),
        ("Si vous formez un recours, vous disposez de deux mois.", "2026-05-12"),
        ("Si vous faites appel, vous disposez de deux mois.", "2026-05-12"),
        ("Si vous déposez une réclamation, vous disposez de deux mois.", "2026-05-12"),
        ("Si vous envisagez un recours, vous disposez de deux mois.", "2026-05-12"),
        ("Si vous décidez de contester, vous disposez de deux mois.", "2026-05-12"),
        ("Si vous vous opposez à cette décision, vous disposez de deux mois.", "2026-05-12"),
        ("Si vous remettez en cause cette décision, vous disposez de deux mois.", "2026-05-12"),
        ("Si vous trouvez cette décision injuste, vous disposez de deux mois.", "2026-05-12"),
        ("Si vous croyez à une erreur, vous disposez de deux mois pour écrire.", "2026-05-12"),
        ("Si vous confirmez l'inscription, renvoyez le coupon sous 8 jours.", "2026-03-20"),
        ("Si vous renoncez à la place, prévenez-nous sous 8 jours.", "2026-03-20"),
        ("Si vous maintenez votre demande, écrivez-nous sous 8 jours.", "2026-03-20"),
        ("Si vous changez d'avis, vous devez nous prévenir sous 8 jours.", "2026-03-20"),
        ("Suite à un changement de votre situation, vous devez déclarer vos ressources sous 15 jours.", "2026-03-27"),
        (
            "Vous avez demandé un changement d'établissement et vous disposez de 15 jours pour confirmer.",
            "2026-03-27",
        ),
        ("Merci de nous indiquer\nsi votre enfant mangera à la cantine, dans un délai de 8 jours.", "2026-03-20"),
        ("Si votre situation n'a pas changé, vous devez nous renvoyer ce formulaire sous 15 jours.", "2026-03-27"),
        ("Si votre situation est inchangée, vous devez nous renvoyer ce formulaire sous 15 jours.", "2026-03-27"),
        ("Si votre enfant est toujours scolarisé, envoyez le certificat sous 15 jours.", "2026-03-27"),
        ("Si votre enfant est encore scolarisé, envoyez le certificat sous 15 jours.", "2026-03-27"),
        ("Si vous êtes séparés, envoyez le jugement sous 15 jours.", "2026-03-27"),
        ("Si vous êtes locataire, envoyez votre bail sous 15 jours.", "2026-03-27"),
        ("Si vous êtes le représentant légal, signez le formulaire sous 15 jours.", "2026-03-27"),
        ("Si vous vivez en couple, renvoyez l'attestation sous 15 jours.", "2026-03-27"),
        ("Si vous percevez une pension, déclarez-la sous 15 jours.", "2026-03-27"),
        ("Si votre enfant n'est pas scolarisé, renvoyez le formulaire sous 15 jours.", "2026-03-27"),
        ("Si tout est exact, renvoyez le formulaire sous 15 jours.", "2026-03-27"),
        ("If you are unhappy with this decision, you have one month to appeal.", "2026-04-12"),
        ("If you change your mind, tell us within 14 days.", "2026-03-26"),
        ("En cas d'appel, vous disposez d'un mois.", "2026-04-12"),
        ("À défaut de paiement, vous devez nous écrire sous 15 jours.", "2026-03-27"),
        ("À défaut de réponse de votre part sous 15 jours, la demande sera classée.", "2026-03-27"),
        ("Vous pourrez contester cette décision dans un délai de deux mois.", "2026-05-12"),
        (
            "Votre recours est rejeté. Vous pourrez ensuite saisir le tribunal judiciaire dans un délai de deux mois.",
            "2026-05-12",
        ),
        (
            "Votre demande de remise de dette est refusée. Vous pourrez alors saisir le tribunal sous deux mois.",
            "2026-05-12",
        ),
        (
            "La demande pour Clara est refusée, rien ne sera versé. Vous pourrez alors saisir le juge sous deux mois.",
            "2026-05-12",
        ),
        ("À défaut d'accord avec cette décision, vous disposez d'un délai de deux mois.", "2026-05-12"),
        ("À défaut d'accord sur le montant, vous disposez d'un délai de deux mois.", "2026-05-12"),
        ("À défaut d'accord de votre part, vous avez 15 jours pour nous écrire.", "2026-03-27"),
        ("Si vous contestez ce refus, vous pourrez saisir le tribunal dans un délai de deux mois.", "2026-05-12"),
    ],
)
def test_a_condition_that_is_at_hand_leaves_a_deadline(sentence, deadline):
    assert days(sentence)[0] == [deadline]


@pytest.mark.parametrize(
    ("sentence", "deadlines", "others"),
    [
        ("Pièces à envoyer 15 jours avant la séance, soit au plus tard le 3 avril 2026.", ["2026-04-03"], []),
        ("Dossier à rendre un mois avant la rentrée, soit le 1er août 2026 au plus tard.", ["2026-08-01"], []),
        ("Confirmez 48 heures avant l'entretien, soit avant le 2 avril 2026.", ["2026-04-02"], []),
        ("Vous disposez de deux mois, soit jusqu'au 13 mai 2026, pour contester.", ["2026-05-13"], []),
        ("Merci de répondre sous 15 jours, soit avant le vendredi 3 avril 2026.", ["2026-04-03"], []),
        ("Merci de répondre sous 15 jours (soit le 28 mars).", ["2026-03-28"], []),
        ("Merci de répondre sous 15 jours, c'est-à-dire avant le 28 mars.", ["2026-03-28"], []),
        ("Payez dans un délai de 30 jours à compter de ce courrier, soit le lundi 13 avril 2026.", ["2026-04-13"], []),
        ("Répondez sous 15 jours à compter de la réception, soit avant le 3 avril 2026.", ["2026-04-03"], []),
        ("Pièces à envoyer 15 jours avant la séance du 18 avril, soit le 2 avril.", ["2026-04-02"], ["2026-04-18"]),
        ("En cas d'absence, justifiez-la sous 10 jours, soit jusqu'au 27 mars 2026.", ["2026-03-27"], []),
        ("Votre fils sera absent soit le 3 avril, soit le 10 avril.", [], ["2026-04-03", "2026-04-10"]),
        (
            "Rendez-vous le 20 avril 2026. Annulez 48 heures avant l'entretien, soit le 18 avril 2026.",
            ["2026-04-18"],
            ["2026-04-20"],
        ),
        ("Merci de répondre sous 15 jours,\nsoit le 28 mars.", ["2026-03-28"], []),
        ("Dossier à rendre un mois avant la rentrée, soit d'ici le vendredi 31 juillet 2026.", ["2026-07-31"], []),
        ("Vous avez deux mois pour faire appel, soit, au plus tard, le 20 mai 2026.", ["2026-05-20"], []),
        ("Répondez dans les deux mois à compter de la réception du courrier, soit le 30 mai 2026.", ["2026-05-30"], []),
        ("Vous avez un mois à compter de la notification, soit le 4 mai 2026, pour écrire.", ["2026-05-04"], []),
    ],
)
def test_a_day_that_is_told_as_the_end_of_a_period_is_its_end(sentence, deadlines, others):
    assert days(sentence) == (deadlines, others)


@pytest.mark.parametrize(
    ("sentence", "deadline"),
    [
        ("Vous devez donner congé deux mois avant le terme du contrat, soit le 31 août 2026.", "2026-06-30"),
        ("Le dossier doit être déposé 2 mois avant la rentrée, soit le 1er septembre 2026.", "2026-07-01"),
        ("Merci de prévenir 48 heures avant la séance, soit le 20 mars 2026.", "2026-03-18"),
        ("Prévenez-nous 15 jours avant le départ (soit le vendredi 3 juillet 2026).", "2026-06-18"),
        ("Merci de confirmer sous 8 jours votre venue, soit le 4 mai 2026, soit le 11 mai 2026.", "2026-03-20"),
        ("Merci de confirmer sous 8 jours votre venue, soit le 18 mars 2026, soit le 25 mars 2026.", "2026-03-20"),
        ("Merci de répondre sous 8 jours, que ce soit pour le 4 mai 2026 ou le 11 mai 2026.", "2026-03-20"),
        (
            "Contestez dans un délai de deux mois à compter de la date du présent courrier, soit le 12 mars 2026.",
            "2026-05-12",
        ),
        ("Contestez dans un délai de 8 jours à compter du présent courrier, soit le 12 mars 2026.", "2026-03-20"),
        (
            "Contestez dans un délai de deux mois à compter de la date de cette décision, soit le 12 février 2026.",
            "2026-04-12",
        ),
        ("Vous avez deux mois à partir du jour de la notification, soit le 5 mars 2026, pour écrire.", "2026-05-05"),
        ("Vous avez 15 jours à partir du jour de la notification, soit le 15 mars 2026, pour écrire.", "2026-03-30"),
        ("Répondez dans un délai de 15 jours à compter de la réunion, soit le 10 avril 2026.", "2026-04-25"),
        ("Vous avez un mois à compter de la notification, soit le 12 mars 2026, pour écrire.", "2026-04-12"),
    ],
)
def test_a_day_that_is_told_as_the_start_or_for_a_choice_is_not_the_end(sentence, deadline):
    assert deadline in days(sentence)[0]


@pytest.mark.parametrize(
    "sentence",
    [
        "Conservez ce document pendant 5 ans.",
        "Ce document est à conserver pendant 10 ans.",
        "Vous devez conserver vos justificatifs pendant deux ans.",
        "Vous devez garder vos factures pendant deux ans.",
        "Les pièces sont à archiver pendant 10 ans.",
        "Pensez à conserver cet avis au moins trois ans.",
        "Gardez ce courrier, au minimum 5 ans.",
        "Les originaux doivent être conservés durant six mois.",
        "Il faut conserver les justificatifs de recours pendant deux ans.",
    ],
)
def test_how_long_a_paper_is_kept_is_no_deadline(sentence):
    assert not [date for date in find_facts(HEAD + sentence).dates if date.kind == "deadline"]


@pytest.mark.parametrize(
    ("sentence", "deadline"),
    [
        ("Conservez l'original et renvoyez la copie sous 15 jours.", "2026-03-27"),
        ("Pour conserver votre place, vous devez répondre sous 8 jours.", "2026-03-20"),
        ("Afin de conserver vos droits, vous pouvez contester pendant deux mois.", "2026-05-12"),
        ("Merci de régler l'inscription au conservatoire sous 15 jours.", "2026-03-27"),
        ("Vous conservez la possibilité de contester cette décision pendant deux mois.", "2026-05-12"),
        ("Conservez ce courrier : vous pouvez contester la décision pendant deux mois.", "2026-05-12"),
        ("Vous conservez le droit de vous rétracter pendant 14 jours.", "2026-03-26"),
        ("Conservez ce courrier et faites votre recours pendant deux mois.", "2026-05-12"),
    ],
)
def test_a_duty_beside_a_paper_that_is_kept_is_a_deadline(sentence, deadline):
    assert days(sentence) == ([deadline], [])


@pytest.mark.parametrize(
    "duty", ["Si vous voulez garder votre place, prévenez-nous", "Vous devez garder une copie et nous l'envoyer"]
)
def test_a_duty_before_a_day_is_a_deadline_also_beside_what_is_kept(duty):
    assert "2026-08-24" in days(f"{duty} au moins 8 jours avant le 1er septembre 2026.")[0]
