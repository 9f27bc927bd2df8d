"""An answer: a warm line, the points that answer, with their passage's number, and the next step.

No word depends on chance: the same question over the same passages is always answered the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from ai_service import phrases
from ai_service.choosing import Choice, choose
from ai_service.passages import Passage, Point, points_of
from ai_service.words import Language, folded, language_of, sentences_of, stems_of

CONTEXT = re.compile(r"<context>.*?</context>", re.DOTALL)  # what is known of the person, not what is asked
STEP = re.compile(
    r"\W*(adressez|appelez|contactez|demandez|deposez|ecrivez|envoyez|faites|parlez|prenez|rassemblez|remplissez"
    r"|apply|ask|call|contact|fill|send|speak|talk|write)\b(?!-)"
)


def answer(question: str, passages: Sequence[Passage], earlier: Sequence[str] = (), instructions: str = "") -> str:
    """A short answer in Markdown, in the question's language; failing that, in that of instructions or passages."""
    question = CONTEXT.sub("", question).strip()
    language = language_of(question) or language_of(instructions) or _language_of_all(passages) or "fr"
    help_first = [phrases.URGENT_HELP[language]] if re.search(phrases.DESPAIR, folded(question)) else []
    return "\n\n".join([*help_first, *_paragraphs(question, language, passages, earlier)])


def _paragraphs(question: str, language: Language, passages: Sequence[Passage], earlier: Sequence[str]) -> list[str]:
    if small_talk := _small_talk(question, language):
        return [small_talk]
    choices = choose(question, passages, earlier)
    if not choices:
        return [phrases.UNKNOWN[language]]
    said = [text for choice in choices for text in _told(choice, language)]
    return [phrases.opening(question, language), *said, _next_step(question, language, choices[0])]


def _small_talk(question: str, language: Language) -> str | None:
    """What to say to someone who only greets or thanks."""
    if stems_of(question):
        return None
    if re.match(phrases.GREETING, folded(question)):
        return phrases.WELCOME[language]
    return phrases.YOU_ARE_WELCOME[language] if re.match(phrases.THANKS, folded(question)) else None


def _told(choice: Choice, language: Language) -> Iterator[str]:
    """The chosen points, paragraph by paragraph, each with the number of its passage."""
    for _, group in groupby(choice.points, key=lambda point: point.block):
        points = list(group)
        text = _list(points, phrases.COLON[language]) if points[0].is_item else " ".join(point.text for point in points)
        yield f"{text} [{choice.number}]"


def _list(points: list[Point], colon: str) -> str:
    intro = points[0].intro.rstrip(" :")
    items = [point.text.rstrip(" ;,.") for point in points]
    if len(items) == 1:
        return f"{intro}{colon} {_inside_sentence(items[0])}." if intro else f"{items[0]}."
    lines = [f"- {item}" for item in items]
    return "\n".join([f"{intro}{colon}", "", *lines] if intro else lines)


def _next_step(question: str, language: Language, choice: Choice) -> str:
    """Something to do that the passage advises and that isn't said yet, else whom to turn to."""
    if not any(STEP.match(folded(point.text)) for point in choice.points):
        for point in points_of(choice.passage):
            if STEP.match(folded(point.text)) and not point.is_conditional:
                step = _inside_sentence(sentences_of(point.text)[0].rstrip(" ;,."))
                return phrases.NEXT_STEP[language].format(step=f"{step}. [{choice.number}]")
    return phrases.variant(phrases.IN_DOUBT[language], question)


def _inside_sentence(text: str) -> str:
    """A sentence to be said after a colon; an acronym keeps its capitals."""
    return text[0].lower() + text[1:] if text[1:2].islower() else text


def _language_of_all(passages: Sequence[Passage]) -> Language | None:
    return language_of(" ".join(passage.text for passage in passages))
