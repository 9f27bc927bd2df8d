"""Texts in Markdown and their structure as HTML, for the renderers in Python and JavaScript."""

from __future__ import annotations

import re

_LIST = "<ol><li>a<ul><li>b</li></ul></li><li>d</li></ol>"
_TABLE = (
    "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td><em>2</em></td></tr></tbody></table>"
)

MARKDOWN = {
    "1. a\n- b\n- c\n2. d": '<ol><li>a</li></ol><ul><li>b</li><li>c</li></ul><ol start="2"><li>d</li></ol>',
    "- a\n- b\n1. c": "<ul><li>a</li><li>b</li></ul><ol><li>c</li></ol>",
    "- a\n* b": "<ul><li>a</li></ul><ul><li>b</li></ul>",
    "1. a\n1) b": "<ol><li>a</li></ol><ol><li>b</li></ol>",
    "1. a\n\t- b\n2. d": _LIST,
    "1. a\n   - b\n2. d": _LIST,
    "- a\n\t1. b\n\t2. c\n- d": "<ul><li>a<ol><li>b</li><li>c</li></ol></li><li>d</li></ul>",
    "***Important***": "<p><em><strong>Important</strong></em></p>",
    "Un ***mot*** et **un autre** *ici*": (
        "<p>Un <em><strong>mot</strong></em> et <strong>un autre</strong> <em>ici</em></p>"
    ),
    "__gras__, puis __gras_aussi__": "<p><strong>gras</strong>, puis <strong>gras_aussi</strong></p>",
    "un__nom__de_fichier": "<p>un__nom__de_fichier</p>",
    "Nom ____ Prénom ____": "<p>Nom ____ Prénom ____</p>",
    "[x](https://example.org/Autisme_(trouble))": '<p><a href="https://example.org/Autisme_(trouble)">x</a></p>',
    "([x](https://example.org/a))": '<p>(<a href="https://example.org/a">x</a>)</p>',
    '[CAF](https://caf.fr "titre")': '<p><a href="https://caf.fr">CAF</a></p>',
    "[CAF](https://caf.fr 'les (aides)').": '<p><a href="https://caf.fr">CAF</a>.</p>',
    "a | b\n--- | ---\n1 | *2*": _TABLE,
    "| a | b |\n| --- | --- |\n| 1 | *2* |": _TABLE,
    "Voici\na | b\n:--|--:\n1 | *2*": f"<p>Voici</p>{_TABLE}",
    "a | b\n--- | ---\n1 | *2*\n\nc | d": f"{_TABLE}<p>c | d</p>",
}


def structure(html: str) -> str:
    """The elements with their text, without what only one of the renderers adds: attributes, a wrapper, line breaks."""
    html = re.sub(r'</?div[^>]*>| (?:class|rel|scope|style|tabindex|target|title)="[^"]*"', "", html)
    return re.sub(r"\n\s*(?=<)|(?<=>)\n\s*", "", html.replace("&nbsp;", " ").strip())
