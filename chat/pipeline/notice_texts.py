"""The notices about an answer, as translations: said with the answer, and on the page that shows it later."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from chat.core.events import Ending

ENDINGS: Mapping[Ending, Promise] = {
    "length": _("The answer stops here: it reached its longest length. You can ask for the rest."),
    "filtered": _("The AI's content filter stopped the answer here. You can ask in other words."),
    "refused": _("The AI could not answer this. It is not your fault. Ask in other words, or talk to a person."),
}
UNAVAILABLE = _("The assistant is not available at this moment.")
OVER_BUDGET = _("The assistant has written as many answers as it can for today.")
OVERLOADED = _("Many people are asking at this moment, and the assistant can't take more questions.")
REJECTED = _("The assistant could not take this question.")
WEAK = _("The AI has difficulties at this moment: this answer may be less complete than usual.")
# After one of the reasons above.
STALE = _("{what} Here is an answer given {age} to the same question.")
ARTICLE = _("{what} This is an article from our knowledge base, not an answer written for you.")
