"""Finds the days that are written without their month: `le 17`, `du 19 au 23`, `les 14, 15 et 21`, `by the 29th`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from chat.documents.extraction.months import MONTH

MAX_DAYS = 200  # examined in a letter; more than any has
NUMBER = r"(?:1er|[12]\d|3[01]|0?[1-9])"
# What is counted, is no day: `le 3 rue`, `les 12 euros`, `le 20 h`, `les 2 premiers`; nor a longer number.
NOT_COUNTED = rf"""
    (?:(?<!er)|(?=\s?[,;:.!?()\n]|\s?\Z|\s(?:et|ou|au)\b))
    (?![\w°/] | [.:,-]\d | \s?/\s?\d | \s?[.-]\s?\d\d?\s?[.-]\s?\d | \s?[%€£$°(]?\d | \s?(?:[%€£$°]|h\b|heures?\b)
      | \s(?:bis|ter|rue|avenue|av|boulevard|bd|place|all[ée]e|impasse|chemin|route|quai|cours|square|villa|cit[ée]
        |euros?|mois|ans?|fois|km|kg|minutes?|points?|et\sdemi|du\smois|(?:de\s)?chaque\b|de\stous|{MONTH}))
    (?!\s(?!(?:mais|vous|nous|dans|sans|sous|vers|apr[èe]s|d[èe]s|inclus|puis|plus|pas|ils|elles|suis|mars|jours?\s|avons
      |serons|sommes|fois|ou|aux|deux|lors|chez|pr[èe]s|as|us|is|was|unless|les|des|ses|vos|nos|mes|tous|toutes|svp)\b)[a-zà-ÿ]{{2,20}}[sx]\b)
"""
LONE = re.compile(
    rf"""
    \b(?:
        les\s(?P<list>{NUMBER}(?:\s?,\s{NUMBER}){{0,9}}\s(?:et|ou)\s(?:le\s)?{NUMBER})
      | du\s(?P<first>{NUMBER})\s(?:inclus\s)?au\s(?P<last>{NUMBER})
      | (?P<article>le|au|du)\s(?P<day>{NUMBER})
    ){NOT_COUNTED}
  | \b(?:by|on|than|before|until|till|after|from|to|for|or|and)\sthe\s(?P<english>{NUMBER})(?:st|nd|rd|th)
    (?=[,;.)?!\n]|$|\s(?:at|or|and|to|if|so|any|please|in|from|with|for|when|unless|as|but|because|which|we|you|he|she|is|was|will)\b)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# `le 15` may be a telephone number or a department: `appelez le 15`, `dans le 93`.
NO_DAY = re.compile(
    r"(?:(?:appel\w{0,4}|compos\w{0,4})(?:\sle\s\d\d,?(?:\s(?:ou|et))?)?|compos|faites|tapez|t[ée]l\w{0,8}|num[ée]ro|SAMU|bus|tram|ligne|dans|chaque\smois,?|tous\sles\smois,?)\s:?\s?\Z",
    re.IGNORECASE,
)
# `fixée |au 17|`, `jusqu'|au 12|`, `sans réponse |au 4|`.
BEFORE_AU = re.compile(
    r"(?:jusqu'|\b\w{2,14}[ée]e?s?\s|\breport\s|\b(?:sans|absence|défaut)\b[^.]{0,40}\s|d'ici\s)\Z", re.IGNORECASE
)
# `la séance |du 18|`: not `la CAF |du 93|`, `le département |du 59|`.
BEFORE_DU = re.compile(
    r"(?<![A-ZÀ-Ýa-zà-ÿ])(?!d[ée]part|acad[ée]|agence|antenne|centre|site|maison|caisse|famille|habitant|pr[ée]fecture|secteur"
    r"|ligne|tram|urgence|num[ée]ro|mutuelle|[ée]cole|coll[èe]ge|lyc[ée]e|quartier|tribunal|parent|semaine|inspection|[ée]tage)"
    r"(?:[a-zà-ÿ]{4,20}|(?i:rdv)|mail)\s\Z|\b(?:AG|ESS|CDAPH)\s\Z"
)


def find_lone_days(plain: str) -> Iterator[tuple[int, int]]:
    """The places of their numbers, in the order of the text."""
    for match in islice(LONE.finditer(plain), MAX_DAYS):
        if match["list"]:
            yield from (
                (match.start("list") + found.start(), match.start("list") + found.end())
                for found in re.finditer(NUMBER, match["list"], re.IGNORECASE)
            )
        elif match["first"]:
            yield from (match.span("first"), match.span("last"))
        elif match["english"]:
            yield match.start("english"), match.end()
        elif _is_day(plain[max(0, match.start() - 40) : match.start()], match["article"].lower()):
            yield match.span("day")


def _is_day(before: str, article: str) -> bool:
    match article:
        case "au":
            return BEFORE_AU.search(before) is not None
        case "du":
            return BEFORE_DU.search(before) is not None
    return not NO_DAY.search(before)
