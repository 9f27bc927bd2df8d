"""Help lines: their file and its validation, and the detection of distress."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from chat.pipeline import distress, help_lines
from tests.support.distress_notices import notice_on
from tests.support.growth import assert_linear
from tests.support.services import ROOT

DISTRESS = [
    "j'ai envie d'en finir",
    "je veux mourir",
    "jveu mourir",
    "g envie de mourir",
    "mon fils parle de mourir",
    "ma fille veut se tuer",
    "mon fils de 12 ans dit qu'il veut mourir",
    "je pense à mettre fin à mes jours",
    "je ne veux plus vivre",
    "j'ai plus envie de vivre",
    "j'ai plus la force de vivre",
    "ils seraient mieux sans moi",
    "jen peu plus",
    "j'en peux plus",
    "J’EN PEUX PLUS",
    "je n’en peux vraiment plus",
    "jen peu pu",
    "je suis au bout du rouleau",
    "je vais craquer",
    "je craque",
    "je suis à bout",
    "je tiens plus",
    "j'ai peur de lui faire du mal",
    "j'ai failli le secouer",
    "j'ai envie de le taper",
    "j'ai secoué mon bébé",
    "je vais le frapper",
    "ma fille se scarifie",
    "mon fils se fait du mal",
    "elle se mutile",
    "mon mari bat mon fils",
    "son père le frappe",
    "il me frappe",
    "mon ex me menace",
    "violences conjugales que faire",
    "j'ai des idées noires",
    "il veut se jeter par la fenêtre",
    "I want to die",
    "I don't want to live anymore",
    "my son says he wants to kill himself",
    "I can't do this anymore",
    "my daughter is cutting herself",
    "I can't cope with this anymore",
    "my husband hits me",
    "I wish I was dead",
    "she self harms",
    "they would be better off without me",
    "Je vais tuer mon fils",
    "J'ai envie de tuer mon enfant",
    "j'ai envie de frapper mon fils",
    "j'ai peur de faire du mal à mon fils",
    "je veux le tuer",
    "je vais la noyer",
    "je l'ai secoué",
    "j'ai craqué et je l'ai frappé",
    "j'aimerais mourir",
    "j'aimerais disparaître",
    "je voudrais être morte",
    "envie de tout lâcher et d'en finir",
    "mon fils a été violé",
    "elle a été agressée sexuellement",
    "mon fils est abusé",
    "mon mari me tape",
    "mon fils a avalé des médicaments",
    "elle s'est ouvert les veines",
    "I want to kill him",
    "I want to hurt my kid",
    "I'm afraid I'll hit my child",
    "je voudrais les étrangler",
    "jvai le tué",
    "jveu le frapé",
    "g tapé mon fils",
    "jai envi de mourrir",
    "je vais finir par le frapper",
    "il veut tuer sa sœur",
    "il a essayé d'étrangler son frère",
    "je veux en finir avec la vie",
    "elle a pris toute la boîte",
    "il vient d'avaler une pile",
    "son oncle a abusé de ma fille",
    "ma fille a subi un viol",
    "je tape mon fils",
    "je l ai giflé",
    "je vais te tuer",
    "il menace de tuer ma mère",
    "I hit my son and I feel awful",
    "I nearly shook him",
    "my daughter was raped",
    "she cut her wrists",
    "he swallowed a battery",
    "he threatened to kill them",
    "j’aimerais bien mourir",
    "je voudrais ne plus exister",
    "mon mari m'a frappée",
    "ma fille s'est fait violer",
    "my ex wants to kill me",
]
CALM = [
    "Comment demander l'AEEH ?",
    "battre un record",
    "finir son dossier",
    "en finir avec les papiers de la mdph",
    "combien de temps pour avoir une réponse",
    "l'AESH ne peut plus venir le lundi",
    "on peut plus avoir la pch ?",
    "je ne peux pas joindre la mdph",
    "est ce que l'aeeh tient compte des revenus",
    "faire du sport avec un fauteuil",
    "mon fils aime vivre avec sa soeur",
    "logement pour vivre seul",
    "aller vivre en foyer",
    "vivre avec un handicap",
    "il fait mal ses lettres",
    "il a mal au ventre",
    "ça fait mal ?",
    "elle se fait des amis",
    "changer de taux",
    "il bat des mains",
    "le père verse une pension",
    "je tiens plus compte du taux ?",
    "qui paie les violons",
    "le plus vieux de mes enfants",
    "taper une lettre à la mdph",
    "peut on secouer la procédure",
    "se faire aider",
    "I can't find the form",
    "he doesn't want to go to school",
    "how do I end the contract",
    "harm reduction",
    "can I cut my hours",
    "la force de la loi",
    "ça me tue, ces papiers",
    "ça me tue le moral",
    "il faut tuer le temps en attendant la mdph",
    "la batterie du fauteuil ne tient plus",
    "où jeter la pile de l'appareil auditif",
    "une pile de papiers à remplir",
    "j'ai battu mon record",
    "comment faire du bien à mon fils",
    "il a avalé de travers à la cantine: PAI ?",
    "il n'arrive pas à avaler ses comprimés",
    "il n'a pas avalé ses médicaments ce matin",
    "un classeur violet",
    "j'en ai fini avec la MDPH",
    "j'ai hâte d'en finir !",
    "c'est abusé ces délais",
    "la mdph abuse",
    "mes droits ont été violés",
    "cela viole la loi",
    "je vais me battre pour mon fils",
    "on veut battre le record",
    "j'ai frappé à toutes les portes",
    "je veux frapper à la bonne porte",
    "je vais taper ma lettre",
    "je voudrais taper un petit mot à l'école",
    "la lettre, je l'ai tapée à l'ordinateur",
    "la prise de sang va faire mal à mon fils ?",
    "il va jeter un œil au dossier",
    "ce bruit le blesse aux oreilles",
    "j'aimerais être à la réunion",
    "je veux noyer le chlore de la piscine",
    "brûler des calories",
    "mon fils va à la piscine",
    "je veux l'aide pour mon fils",
    "le vaccin, is it going to hurt him?",
    "I don't want to hurt her feelings",
    "how do I hit the deadline",
    "help swallowing tablets",
    "the wait is killing me",
    "a battery for the wheelchair",
    "ce qui m'a frappé dans le compte rendu",
    "mon fils tape les autres à l'école",
    "il est violent ?",
    "the school hurt my feelings",
]
BEGINNINGS = [
    "Ce que vous vivez a l’air très dur, et il y a des gens pour ",
    "What you are going through sounds very hard, and you are not",
    "Appelez tout de suite le **15** ou le **112**, même si vous ",
    "Call **15** or **112** right away, even if you are not sure.",
    "Appelez le **3114** maintenant\xa0: jour et nuit, gratuitement,",
    "Call **3114** now: day and night, free of charge, somebody l",
    "Appelez maintenant le **15** ou le **112**\xa0: dites où est la",
    "Call **15** or **112** now: say where the person is, what th",
    "Le **3114** reste là pour vous, jour et nuit. Si le danger e",
    "**3114** is still there for you, day and night. If the dange",
    "Si vous êtes en danger maintenant, appelez le **17**, ou env",
    "If you are in danger now, call **17**, or send a text messag",
    "Appelez le **119**\xa0: jour et nuit, gratuitement, quelqu’un v",
    "Call **119**: day and night, free of charge, somebody listen",
    "Ce n’est ni votre faute ni la sienne, et vous avez bien fait",
    "It is neither your fault nor your child’s, and it is good th",
    "Vous éloigner un instant est la bonne chose à faire, votre e",
    "Stepping away for a moment is the right thing to do, with yo",
    "Appelez le **15** maintenant, même si votre enfant a seuleme",
    "Call **15** now, even if your child only seems tired, and st",
    "Ce que vous portez est très lourd, et vous n’avez pas à le p",
    "What you carry is very heavy, and it is not yours to carry a",
    "Pour cette nuit, appelez le **115**, gratuitement, à toute h",
    "For tonight, call **115**, free of charge, at any hour: say ",
    "Le **3018** aide les enfants harcelés et leurs parents, grat",
    "**3018** helps bullied children and their parents, free of c",
    "Ce n’est pas ta faute, et tu as bien fait de l’écrire. Parle",
    "It is not your fault, and it is good that you wrote it. Tell",
    "Appelez tout de suite le **17** ou le **112**\xa0: il n’y a auc",
    "Call **17** or **112** right away: you do not have to wait. ",
    "Perdre son enfant, il n’y a pas de mots pour cela. Les papie",
    "There are no words for the loss of a child. The papers can w",
]
SWISS = """
[distress]
fr = "Au **143**, quelqu’un vous écoute."
en = "At **143** somebody listens."
[[line]]
number = "143"
fr = "La Main Tendue"
en = "The Helping Hand"
"""


@pytest.fixture
def swiss(tmp_path: Path) -> Path:
    file = tmp_path / "suisse.toml"
    file.write_text(SWISS, "utf-8")
    return file


@pytest.mark.parametrize("text", DISTRESS)
def test_distress_is_detected_in_all_spellings(text):
    assert notice_on(text)


@pytest.mark.parametrize("text", CALM)
def test_calm_questions_are_not_taken_for_distress(text):
    assert notice_on(text) == ""


def test_the_french_help_lines_exist_in_both_languages():
    for language in ("fr", "en"):
        numbers = {line.number for line in help_lines.all_lines(language)}
        assert {"15", "112", "114", "119", "3114", "0 800 360 360"} <= numbers
    assert help_lines.all_lines("fr")[0].name != help_lines.all_lines("en")[0].name


@pytest.mark.django_db(transaction=True)
def test_another_file_replaces_the_numbers_everywhere(visitor, ai, settings, swiss):
    settings.HELP_LINES_FILE = str(swiss)
    settings.AI_MAX_ATTEMPTS = 1
    page = visitor.get("/").content.decode()
    assert "tel:143" in page
    assert "tel:3114" not in page
    ai.fail("error")
    answer = visitor.ask("Je veux mourir xyzzy").json()["response"]
    assert answer.startswith("Au **143**, quelqu’un vous écoute.")
    assert "- **143** – La Main Tendue" in answer
    assert "3114" not in answer


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (SWISS.replace("143", "un quatre trois"), "line.0.number"),
        (SWISS.replace('en = "The Helping Hand"', ""), "line.0.en Field required"),
        (SWISS.replace("**143**", "143"), "distress.fr must name one of the numbers"),
        (SWISS + 'nom = "x"', "line.0.nom Extra inputs"),
        ("line = [", "can't be read"),
        ("", "distress Field required"),
    ],
)
def test_an_invalid_file_is_refused_with_its_errors(settings, tmp_path, broken, problem):
    file = tmp_path / "wrong.toml"
    file.write_text(broken, "utf-8")
    settings.HELP_LINES_FILE = str(file)
    with pytest.raises(ImproperlyConfigured) as refusal:
        help_lines.load()
    assert f"HELP_LINES_FILE: {file}" in str(refusal.value)
    assert problem in str(refusal.value)


def test_the_server_does_not_start_without_the_configured_file(tmp_path):
    missing = str(tmp_path / "nowhere.toml")
    start = [sys.executable, "-c", "import bff.wsgi"]
    run = subprocess.run(
        start, cwd=ROOT, env={**os.environ, "HELP_LINES_FILE": missing}, capture_output=True, check=False
    )
    assert run.returncode != 0
    assert f"HELP_LINES_FILE: {missing} can't be read" in run.stdout.decode()


@pytest.mark.parametrize(
    "phrase",
    [
        "je tiens ",
        "je vais le ",
        "il a avale ",
        "envie de ",
        "he swallowed ",
        "mon petit ",
        "mon fils lea ",
        "il s'est ",
        "mon fils de 15 ans ",
        "!",
    ],
)
def test_detection_takes_linear_time_in_a_long_message(phrase):
    assert_linear(distress.detect, phrase, 40_000)


@pytest.mark.parametrize(
    "phrase", ["j'ai ", "je l'ai ", "il ne me ", "j'ai tres ", "i am 1", "il repond plus ", "je veux "]
)
def test_what_else_a_message_tells_takes_linear_time(phrase):
    assert_linear(partial(distress.notice_topics, ("suicide", "losing_control", "child")), phrase, 40_000)


@pytest.mark.parametrize(
    ("language", "hours", "breathes"),
    [("fr", "En semaine, en journée", "mais respire"), ("en", "n weekdays, in the daytime", "but is breathing")],
)
def test_a_notice_tells_when_a_line_is_open_and_who_lies_on_the_side(language, hours, breathes):
    notices = {kind: help_lines.notice((kind,), language) for kind in help_lines.load().kind}
    with_hours = {kind for kind, text in notices.items() if hours.lower() in text.lower()}
    assert with_hours == {kind for kind, text in notices.items() if "0 800 360 360" in text}
    assert breathes in notices["medical"]


@pytest.mark.parametrize(
    ("topics", "numbers"),
    [
        (("bullying",), ["3018", "3114"]),
        (("no_roof",), ["115", "112"]),
        (("child",), ["119", "17"]),
        (("couple",), ["17", "114", "3919", "116 006"]),
        (("medical",), ["15", "112", "114"]),
        (("exhaustion",), ["3114", "0 800 360 360"]),
        (("bullying", "medical"), ["3018", "3114", "15", "112", "114"]),
    ],
)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_lines_that_a_notice_names_stand_once_and_in_its_order(topics, numbers, language):
    lines = help_lines.named_in(help_lines.notice(topics, language), language).splitlines()
    assert [line.split("**")[1] for line in lines] == numbers


def test_no_lines_stand_for_a_text_that_names_none():
    assert help_lines.named_in("Appelez le 15, ou le **3115**.", "fr") == ""


def test_a_notice_keeps_its_beginning_for_open_pages_and_kept_conversations():
    """The page recognises a notice by it, perhaps with the list that it got before the texts changed."""
    assert set(BEGINNINGS) <= set(help_lines.notice_beginnings())
