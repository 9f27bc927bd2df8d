"""Who is meant in a message: patterns for folded text that the phrases of distress share."""

from __future__ import annotations

CHILD = (
    r"(?:fils|fille|enfant|bebe|garcon|fiston|puce"
    r"|petite?(?! (?:chat|chien|lapin|hamster|poisson|oiseau|[mp]ere|frere|soeur)))"
)
CHILD_EN = r"(?:son|daughter|child|kid|baby|boy|girl)"
PARTNER = r"(?:mari|femme|conjointe?|compagn(?:on|e)|copain|copine|ex(?:[ -](?:mari|femme|conjointe?|copain|copine))?)"
PARTNER_EN = r"(?:husband|wife|partner|boyfriend|girlfriend|ex)"
DETERMINER = r"(?:(?:l[ea]s?|une?|des|[ms](?:on|a|es)|notre|nos|cet?|cette|leurs?) |l')"
# `le papa de ma fille est décédé`: the child must be the subject, and the words between only its age, name or the like.
NOT_OF = r"(?<!de )(?<! a )(?<!avec )(?<!fils et )(?<!fille et )"
