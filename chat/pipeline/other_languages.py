"""Questions in a language that is neither French nor English.

The AI answers them in their language. Articles, notices and help lines are French and English alone: a line in the
person's language says so where one is listed here.
"""

from __future__ import annotations

import re

from chat.core.language import common_words

# "The assistant is not available at this moment. This text is not in your language."
REMARKS = {
    "ar": "المساعد غير متاح الآن. هذا النص ليس بلغتك.",
    "de": "Der Assistent ist gerade nicht erreichbar. Dieser Text ist nicht in Ihrer Sprache.",
    "es": "El asistente no está disponible en este momento. Este texto no está en su idioma.",
    "it": "L’assistente non è disponibile in questo momento. Questo testo non è nella sua lingua.",
    "pl": "Asystent jest w tej chwili niedostępny. Ten tekst nie jest w Twoim języku.",
    "pt": "O assistente não está disponível neste momento. Este texto não está na sua língua.",
    "ro": "Asistentul nu este disponibil în acest moment. Acest text nu este în limba dumneavoastră.",
    "ru": "Помощник сейчас недоступен. Этот текст не на вашем языке.",
    "tr": "Asistan şu anda kullanılamıyor. Bu metin sizin dilinizde değil.",
    "uk": "Помічник зараз недоступний. Цей текст не вашою мовою.",
    "zh": "助手暂时无法使用。以下内容不是您的语言。",
}
_SCRIPTS = {
    "ar": re.compile(r"[\u0600-\u06ff]"),
    "uk": re.compile(r"[іїєґІЇЄҐ]"),  # before Russian, which has none of these
    "ru": re.compile(r"[\u0400-\u04ff]"),
    "zh": re.compile(r"[\u4e00-\u9fff]"),
}
MIN_WORDS = 2  # a single one may be a name or a slip
_WORDS = {
    "de": "wie ich für mein meine meinen kind sohn tochter und ist hilfe schule kann wo beantragen ein eine bekomme",
    "es": "cómo como puedo para mi hijo hija una ayuda escuela cuál qué niño discapacidad dónde pedir solicitar tengo",
    "it": "come posso per mio mia figlio figlia una aiuto scuola dove chiedere quali bambino sono disabile",
    "pl": "jak dla moje moja mój dziecko dziecka syn córka szkoła pomoc gdzie czy mogę mojego",
    "pt": "como posso para meu minha filho filha não uma ajuda obter escola qual são deficiência criança onde pedir",
    "ro": "cum pot pentru copilul meu mea este ajutor școală unde cer fiul fiica handicap",
    "tr": "nasıl çocuğum çocuk için bir engelli yardım okul alabilirim nerede başvuru oğlum kızım yapabilirim",
}
_COMMON_WORDS = {language: frozenset(words.split()) for language, words in _WORDS.items()}


def of(text: str) -> str | None:
    """The language's key in REMARKS; None for French, English, and languages that are not recognised."""
    letters = sum(map(str.isalpha, text))
    for language, pattern in _SCRIPTS.items():
        least = 1 if language == "uk" else letters / 2
        if len(pattern.findall(text)) >= max(1, least):
            return language
    words = set(re.findall(r"\w+", text.casefold()))
    counts = {language: len(words & common) for language, common in _COMMON_WORDS.items()}
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] >= MIN_WORDS and counts[best] > max(common_words(text)) else None
