"""The sentences that the stand-in says of its own accord. Everything else it takes from passages and documents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zlib import crc32

from ai_service.words import Language, folded

# The mood of a question, the first that fits; matched on folded text.
MOODS = {
    "worried": r"\bpeur\b|\bepuis|\bcraque|\bmarre\b|n'en peux plus|\bseule?s?\b|perdue?s?\b|inquiet|angoiss|desesper"
    r"|\bpleure|\bburn|exhausted|overwhelmed|\balone\b|scared|worried|can't cope|desperate|\blost\b",
    "refused": r"\brefus|\brejet|\bcontest|\brecours\b|refused|rejected|appeal",
    "money": r"\bcombien\b.*(touche|gagne|euro|argent|montant)|\bmontant|\bhow much\b|\bmoney\b",
    "how": r"\bcomment\b|\bfaire\b|\bdemarche|\bobtenir\b|\bdemander\b|\bhow (do|can|to|should)\b|\bapply\b",
}
DESPAIR = (
    r"suicid|me tuer|(veux|voudrais|vais|envie de|pense a) mourir|\ben finir\b(?! avec (la|le|les|ce|cette|l')\b)"
    r"|plus envie de vivre|kill myself|end my life|want to die"
)
GREETING = r"\W*(bonjour|bonsoir|salut|coucou|hello|hi|hey|good (morning|evening))\b"
THANKS = r"\W*(merci|thanks?|thank you)\b"

OPENINGS: dict[Language, dict[str, tuple[str, ...]]] = {
    "fr": {
        "worried": (
            "Ce que vous portez est lourd, et vous faites bien d'en parler.",
            "Merci de me l'écrire. Vous n'avez pas à porter cela sans aide.",
            "On va regarder cela ensemble, une chose après l'autre.",
        ),
        "refused": (
            "Un refus est dur à recevoir, et il n'est pas toujours le dernier mot.",
            "Un refus décourage, je le comprends. Voici ce que vous pouvez faire.",
        ),
        "money": ("Voici ce que je sais des montants.", "Parlons chiffres, simplement."),
        "how": (
            "C'est faisable, une étape après l'autre.",
            "Voici comment vous y prendre.",
            "Je vous explique la démarche, simplement.",
        ),
        "": (
            "Voici l'essentiel, en quelques mots.",
            "Vous faites bien de poser la question.",
            "Je vous réponds simplement, avec ce que j'ai sous les yeux.",
        ),
    },
    "en": {
        "worried": (
            "That is a lot to carry, and it is good that you ask.",
            "Thank you for telling me. You don't have to carry this without help.",
            "Let us look at this together, one thing at a time.",
        ),
        "refused": (
            "A refusal is hard to receive, and it is not always the last word.",
            "A refusal is discouraging, I understand. Here is what you can do.",
        ),
        "money": ("Here is what I know about the amounts.", "Let us look at the figures, simply."),
        "how": (
            "It can be done, one step after another.",
            "Here is how to go about it.",
            "Let me explain the steps, simply.",
        ),
        "": (
            "Here is what matters most, in a few words.",
            "It is a good thing to ask.",
            "A simple answer, from what I have before me.",
        ),
    },
}
COLON: dict[Language, str] = {"fr": " :", "en": ":"}
NEXT_STEP: dict[Language, str] = {"fr": "**La prochaine étape** : {step}", "en": "**Your next step**: {step}"}
IN_DOUBT: dict[Language, tuple[str, ...]] = {
    "fr": (
        "Si quelque chose bloque, la MDPH de votre département ou le 0 800 360 360 (appel gratuit) vous guideront.",
        "Pour en parler avec quelqu'un : la MDPH de votre département, ou le 0 800 360 360 (appel gratuit).",
    ),
    "en": (
        "If you get stuck, your département's MDPH or 0 800 360 360 (free call) will guide you.",
        "To talk it over with someone: your département's MDPH, or 0 800 360 360 (free call).",
    ),
}
UNKNOWN: dict[Language, str] = {
    "fr": "Je suis désolé, je n'ai rien d'assez sûr pour répondre à cette question, et je préfère ne pas inventer.\n\n"
    "La MDPH (maison départementale des personnes handicapées) de votre département peut vous répondre. Vous pouvez "
    "aussi appeler le 0 800 360 360, gratuit : on vous y écoute et on vous oriente près de chez vous.\n\n"
    "Si vous le voulez, dites-moi la question autrement, avec le nom de l'aide ou du courrier.",
    "en": "I am sorry, I have nothing reliable enough to answer this, and I would rather not make something up.\n\n"
    "The MDPH (disability office) of your département can answer you. You can also call 0 800 360 360, free of charge: "
    "they listen, and point you to help near you.\n\n"
    "If you like, ask me in other words, with the name of the benefit or of the letter.",
}
WELCOME: dict[Language, str] = {
    "fr": "Bonjour. Je peux vous aider à y voir clair sur les aides, l'école, les dossiers et les courriers. "
    "Dites-moi, avec vos mots, ce qui vous préoccupe.",
    "en": "Hello. I can help you make sense of benefits, school, files and letters. "
    "Tell me, in your own words, what is on your mind.",
}
YOU_ARE_WELCOME: dict[Language, str] = {
    "fr": "Avec plaisir. Prenez soin de vous aussi, et revenez quand vous voulez.",
    "en": "You are welcome. Take care of yourself too, and come back whenever you like.",
}
URGENT_HELP: dict[Language, str] = {
    "fr": "**Si vous pensez à mourir, appelez maintenant le 3114** : gratuit, jour et nuit. "
    "En cas de danger immédiat, le 15 ou le 112.",
    "en": "**If you are thinking of dying, call 3114 now**: free, day and night. In immediate danger, call 15 or 112.",
}


def mood_of(question: str) -> str:
    """One of MOODS, or empty."""
    asked = folded(question)
    return next((mood for mood, signs in MOODS.items() if re.search(signs, asked)), "")


def opening(question: str, language: Language) -> str:
    """A warm first line that fits the question's mood."""
    return variant(OPENINGS[language][mood_of(question)], question)


def variant(variants: Sequence[str], question: str) -> str:
    """One of them, always the same for the same question."""
    return variants[crc32(folded(question).encode()) % len(variants)]
