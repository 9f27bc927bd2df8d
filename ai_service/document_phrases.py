"""What the stand-in says of its own accord about a document: what it is, and how to go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ai_service.words import Language

Subject = Literal["missing", "debt", "refusal", "appointment", "medical", "agreement", "other"]


@dataclass(frozen=True, slots=True)
class Advice:
    """What such a document is, what to do with it, and what to ask next."""

    what: str
    steps: tuple[str, ...]
    suggestions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Headings:
    opening: str
    what: str
    sender: str
    asks: str
    figures: str
    steps: str


HEADINGS: dict[Language, Headings] = {
    "fr": Headings(
        opening="J'ai lu ce document pour vous. Voici ce qu'il dit, avec des mots simples.",
        what="Ce que c'est :",
        sender="Il y est question de : {sender}.",
        asks="Ce qu'il demande, et pour quand :",
        figures="Les dates et les montants cités :",
        steps="Ce que vous pouvez faire maintenant :",
    ),
    "en": Headings(
        opening="I have read this document for you. Here is what it says, in plain words.",
        what="What it is:",
        sender="It mentions: {sender}.",
        asks="What it asks, and by when:",
        figures="The dates and amounts in it:",
        steps="What you can do now:",
    ),
}

ADVICE: dict[Language, dict[Subject, Advice]] = {
    "fr": {
        "missing": Advice(
            "il manque quelque chose à un dossier. Ce n'est pas un refus.",
            (
                "Rassemblez ce qui est demandé, et gardez une copie de tout.",
                "Joignez le numéro de dossier et une copie de ce courrier à votre envoi.",
                "S'il vous faut plus de temps, appelez le service avant la date indiquée.",
            ),
            (
                "Comment envoyer des pièces à la MDPH ?",
                "Que se passe-t-il si mon dossier reste incomplet ?",
            ),
        ),
        "debt": Advice(
            "on vous demande de l'argent.",
            (
                "Vérifiez d'abord que la somme et la période sont justes.",
                "Si vous n'êtes pas d'accord, répondez par écrit, dans le délai indiqué.",
                "Si vous ne pouvez pas payer en une fois, demandez un paiement en plusieurs fois.",
            ),
            ("Comment contester un trop-perçu ?", "Comment payer en plusieurs fois ?"),
        ),
        "refusal": Advice(
            "une demande a été refusée, au moins en partie. Ce n'est pas forcément le dernier mot.",
            (
                "Notez le jour où vous l'avez reçue, et gardez l'enveloppe : le délai pour contester part de là.",
                "Lisez la fin du courrier : elle dit comment contester, et dans quel délai.",
                "Pour une décision de la MDPH, le recours (RAPO) se fait par écrit, en général dans les deux mois.",
            ),
            (
                "Comment contester une décision de la MDPH avec un RAPO ?",
                "Que mettre dans la lettre de recours ?",
            ),
        ),
        "appointment": Advice(
            "un rendez-vous vous est donné ou rappelé.",
            (
                "Notez le jour, l'heure et le lieu.",
                "Si ce n'est pas possible pour vous, appelez vite pour en changer.",
                "Préparez vos questions et les papiers demandés ; vous pouvez venir accompagné.",
            ),
            ("Comment se préparer à ce rendez-vous ?", "Puis-je venir accompagné ?"),
        ),
        "medical": Advice(
            "un document médical. Je peux en relever les passages, mais je ne donne pas d'avis médical.",
            (
                "Gardez-en une copie : il peut servir pour le dossier MDPH et pour l'école.",
                "Demandez au professionnel qui l'a écrit de vous expliquer ce qui n'est pas clair.",
            ),
            (
                "Faut-il joindre ce document au dossier MDPH ?",
                "Qui remplit le certificat médical MDPH ?",
            ),
        ),
        "agreement": Advice(
            "une décision vous est communiquée.",
            (
                "Vérifiez les dates de début et de fin, et gardez l'original.",
                "Donnez une copie à ceux qui doivent l'appliquer : l'école, la CAF, un service.",
                "Pensez au renouvellement plusieurs mois avant la date de fin.",
            ),
            ("Que faire si la décision n'est pas appliquée ?", "Quand demander le renouvellement ?"),
        ),
        "other": Advice(
            "je n'y reconnais pas un courrier habituel ; je m'en tiens à ce qui est écrit.",
            (
                "Gardez l'original, et notez le jour où vous l'avez reçu.",
                "Si une phrase vous inquiète, appelez le service qui l'a écrit, avec la référence sous les yeux.",
            ),
            ("Que dois-je faire de ce document ?", "À qui poser des questions sur ce courrier ?"),
        ),
    },
    "en": {
        "missing": Advice(
            "something is missing from a file. It is not a refusal.",
            (
                "Gather what is asked for, and keep a copy of everything.",
                "Send it with the file number and a copy of this letter.",
                "If you need more time, call the office before the date given.",
            ),
            ("How do I send documents to the MDPH?", "What happens if my file stays incomplete?"),
        ),
        "debt": Advice(
            "you are asked for money.",
            (
                "First check that the sum and the period are right.",
                "If you disagree, answer in writing, within the time given.",
                "If you can't pay all at once, ask to pay in several parts.",
            ),
            ("How do I contest an overpayment?", "How can I pay in instalments?"),
        ),
        "refusal": Advice(
            "a request was refused, at least in part. It is not necessarily the last word.",
            (
                "Note the day you received this letter and keep the envelope: the time to contest starts there.",
                "Read the end of the letter: it says how to contest, and by when.",
                "For an MDPH decision, the appeal (RAPO) is made in writing, most often within two months.",
            ),
            ("How do I contest an MDPH decision with a RAPO?", "What should the appeal letter say?"),
        ),
        "appointment": Advice(
            "an appointment is given to you, or recalled.",
            (
                "Note the day, the time and the place.",
                "If you can't make it, call soon to change it.",
                "Prepare your questions and the papers asked for; you may bring someone with you.",
            ),
            ("How do I prepare for this appointment?", "May I bring someone with me?"),
        ),
        "medical": Advice(
            "a medical document. I can point out what it says, but I give no medical opinion.",
            (
                "Keep a copy: it may be of use for the MDPH file and for school.",
                "Ask the professional who wrote it to explain whatever is unclear.",
            ),
            ("Should I add this document to the MDPH file?", "Who fills in the MDPH medical certificate?"),
        ),
        "agreement": Advice(
            "a decision is communicated to you.",
            (
                "Check the dates of start and end, and keep the original.",
                "Give a copy to those who must apply it: the school, the CAF, a service.",
                "Think of the renewal several months before the end date.",
            ),
            ("What if the decision is not applied?", "When should I ask for the renewal?"),
        ),
        "other": Advice(
            "I don't recognise a usual letter in it, so I keep to what is written.",
            (
                "Keep the original, and note the day you received it.",
                "If a sentence worries you, call the office that wrote it, with the reference before you.",
            ),
            ("What should I do with this document?", "Whom can I ask about this letter?"),
        ),
    },
}
