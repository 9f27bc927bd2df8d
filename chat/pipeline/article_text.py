"""The text of an article that stands for an answer, with a warning if its facts may have changed."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from chat.core.language import Language
from chat.core.long_date import long_date
from chat.core.question import Passage


def article_text(article: Passage, language: Language) -> str:
    """Markdown. The warning is in the active language, which is `language`."""
    text = article.text.strip()
    if not article.is_outdated:
        return text
    warning = _(
        "Careful: this was checked on {date}. Amounts and rules may have changed since: please check on {source}."
    ).format(date=long_date(dt.date.fromisoformat(article.as_of), language), source=article.source_name)
    return f"*{warning}*\n\n{text}"
