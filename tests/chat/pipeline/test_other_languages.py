"""Questions in other languages than French and English."""

from __future__ import annotations

import pytest

from chat.knowledge.files import BUNDLED, read_folder
from chat.pipeline import other_languages

QUESTIONS = {
    "ar": "كيف أطلب المساعدة لابني المعاق من MDPH ؟",
    "de": "Wie beantrage ich Hilfe für meinen Sohn in der Schule?",
    "es": "¿Cómo puedo solicitar la AEEH para mi hijo?",
    "it": "Come posso chiedere l'AESH per mio figlio a scuola?",
    "pl": "Jak mogę dostać pomoc dla mojego dziecka?",
    "pt": "Como posso pedir a AEEH para a minha filha?",
    "ro": "Cum pot cere un ajutor pentru copilul meu?",
    "ru": "Как получить пособие AEEH на ребёнка?",
    "tr": "Engelli çocuğum için AEEH nasıl alabilirim?",
    "uk": "Як отримати допомогу для моєї дитини?",
    "zh": "我的孩子怎么申请AEEH?",
}


@pytest.mark.parametrize("language", QUESTIONS)
def test_a_question_in_another_language_is_recognised(language):
    assert other_languages.of(QUESTIONS[language]) == language


def test_every_remark_has_a_recognised_language():
    assert set(other_languages.REMARKS) == set(QUESTIONS)


def test_no_french_or_english_question_of_the_knowledge_base_is_taken_for_another_language():
    questions = [question for file in read_folder(BUNDLED) for question in file.entry.questions]
    assert len(questions) > 500
    assert [question for question in questions if other_languages.of(question)] == []


@pytest.mark.parametrize("text", ["", "?", "AEEH", "Mon fils s’appelle Иван", "Bonjour, je parle como", "👋"])
def test_a_word_is_no_language(text):
    assert other_languages.of(text) is None


@pytest.mark.django_db(transaction=True)
def test_a_fallback_begins_with_a_line_in_the_persons_language(visitor, ai):
    ai.fail("error", status=400)
    arabic, french = (visitor.ask(question).json()["response"] for question in (QUESTIONS["ar"], "Xyzzy plugh ?"))
    assert arabic.startswith(other_languages.REMARKS["ar"] + "\n\n")
    assert not french.startswith(tuple(other_languages.REMARKS.values()))


@pytest.mark.django_db(transaction=True)
def test_an_answer_of_the_ai_has_no_such_line(visitor, ai):
    assert not visitor.ask(QUESTIONS["pt"]).json()["response"].startswith(other_languages.REMARKS["pt"])
