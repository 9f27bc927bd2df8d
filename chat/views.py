"""The page where people ask: rendered here, brought to life by static/chat/app.js, usable without JavaScript too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import nh3
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe
from markdown_it import MarkdownIt

from chat import api, fallbacks

# Word for word the first question of an entry of the knowledge base: their answers are kept warm.
SUGGESTIONS = (
    _("Comment constituer un dossier MDPH pour mon enfant ?"),
    _("Comment obtenir un AESH pour mon enfant ?"),
    _("Combien de temps la MDPH met-elle pour répondre ?"),
    _("Comment trouver du répit quand on s'occupe d'un enfant handicapé ?"),
)

# What app.js and its modules say on their own; everything else stands in the templates. `{…}` is filled in there.
STRINGS = {
    "answerStarts": _("La réponse arrive."),
    "answerComplete": _("La réponse est complète."),
    "copied": _("Copié"),
    "thanks": _("Merci"),
    "notSent": _("Votre avis n’a pas pu partir."),
    "sources": _("Sources"),
    "searching": _("Je cherche dans les informations publiques…"),
    "loading": _("J’ouvre la conversation…"),
    "resuming": _("Je reprends la réponse…"),
    "when": _("Vous pouvez réessayer {when}."),
    "age": _("Elle date d’{age}."),
    "retry": _("Réessayer"),
    "resume": _("Reprendre"),
    "reload": _("Recharger la page"),
    "askAgain": _("Reposer la question"),
    "fallbackTitle": _("L’assistant n’est pas disponible pour le moment"),
    "overloadedTitle": _("Beaucoup de personnes écrivent en ce moment"),
    "rejectedTitle": _("L’assistant n’a pas su traiter cette question"),
    "interruptedTitle": _("La réponse s’est arrêtée avant la fin"),
    "interruptedText": _("Ce qui est écrit reste valable, mais il manque la suite."),
    "stoppedTitle": _("Vous avez arrêté la réponse"),
    "helpTitle": _("Vous pouvez parler à quelqu’un maintenant"),
    "staleText": _("Voici une réponse déjà donnée à cette question, que nous avions gardée."),
    "knowledgeText": _("Voici ce que disent nos fiches vérifiées sur ce sujet."),
    "fallbackText": _("Voici quelques repères en attendant."),
    "offlineTitle": _("Pas de connexion"),
    "offlineText": _("Votre question est gardée ici. Réessayez quand le réseau sera revenu."),
    "lostTitle": _("La connexion s’est coupée"),
    "lostText": _("Ce qui est écrit est gardé. La réponse peut reprendre là où elle en était."),
    "tooFastTitle": _("Un petit instant"),
    "tooFastText": _("Beaucoup de questions sont parties en peu de temps. La vôtre est gardée."),
    "unreadableTitle": _("Ce message n’a pas pu être lu"),
    "unreadableText": _("Il est peut-être trop long. Essayez de le raccourcir, ou de poser une question à la fois."),
    "expiredTitle": _("La page est restée ouverte un long moment"),
    "expiredText": _("Copiez votre question si besoin, puis rechargez la page."),
    "goneTitle": _("Cette conversation n’est plus là"),
    "goneText": _("Elle a été oubliée, ou elle a été commencée sur un autre appareil."),
    "startAnew": _("Commencer une nouvelle conversation"),
    "brokenTitle": _("Quelque chose n’a pas marché de notre côté"),
    "brokenText": _("Ce n’est pas votre faute. Votre question est gardée, vous pouvez réessayer."),
    "correlation": _("Référence pour nous en parler : {reference}"),
    "forgetOne": _("Oublier cette conversation ?"),
    "forgetAll": _("Oublier toutes vos conversations ?"),
    "forgetThis": _("Oublier « {title} »"),
    "forgotten": _("C’est oublié."),
    "document": _("Document : {name}"),
    "documentSending": _("J’envoie le document…"),
    "documentReading": _("Je lis le document…"),
    "documentTooLarge": _("Ce document dépasse 10 Mo. Essayez d’en envoyer une partie."),
    "documentUnreadableTitle": _("Je n’arrive pas à lire ce document"),
    "documentUnreadableText": _("Un PDF avec du texte, un document Word ou un fichier texte convient."),
    "date": _("Date"),
    "amount": _("Montant"),
    "reference": _("Référence"),
    "citation": _("Source {number}"),
}

_markdown = MarkdownIt("js-default")


@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(private=True, no_cache=True)
def chat_page(request: HttpRequest) -> HttpResponse:
    """The page; with the answer in it when its form was sent by a browser without JavaScript."""
    question = (request.POST.get("suggestion") or request.POST.get("message", "")).strip()
    context = {
        "suggestions": SUGGESTIONS,
        "help_lines": fallbacks.help_lines(get_language()),
        "strings": STRINGS,
        "site": f"{request.scheme}://{request.get_host()}",
        "question": question,
        "answer": _readable(api.answer_form(request, question)) if question else None,
    }
    return render(request, "chat.html", context)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """What search engines may visit: the page, nothing behind it."""
    return render(request, "robots.txt", content_type="text/plain; charset=utf-8")


def _readable(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer as templates/partials/answer.html shows it."""
    degraded = answer["degraded"]
    return {
        "html": _html(answer["text"]),
        "sources": [
            source | {"place": urlsplit(source["url"]).hostname}
            for source in answer["sources"]
            if source["url"].startswith(("https://", "http://"))
        ],
        "suggestions": answer["suggestions"],
        "notice": STRINGS["fallbackText"] if degraded else "",
        "when": _when(degraded["retryAfter"]) if degraded else "",
    }


def _html(text: str) -> SafeString:
    """Markdown as HTML that is safe whatever the text; `[2]` leads to the second source."""
    linked = re.sub(r"\[(\d{1,2})\](?!\()", r"[\\[\1\\]](#source-\1)", text)
    return mark_safe(nh3.clean(_markdown.render(linked), url_schemes={"http", "https", "tel"}))  # noqa: S308 - cleaned here


def _when(seconds: int | None) -> str:
    if not seconds:
        return ""
    minutes = max(1, round(seconds / 60))
    return ngettext(
        "Vous pouvez réessayer dans une minute.", "Vous pouvez réessayer dans %(minutes)d minutes.", minutes
    ) % {"minutes": minutes}
