"""Links in Markdown and the text that must be shown for each; used by the tests of both renderers."""

from __future__ import annotations

SHOWN = {
    "[https://www.caf.fr](https://evil.example/)": "https://www.caf.fr (evil.example)",
    "[www.caf.fr](https://caf.fr.evil.example/)": "www.caf.fr (caf.fr.evil.example)",
    "[**caf.fr**](https://evil.example/)": "caf.fr (evil.example)",
    "[caf.fr](https://www.caf.fr/aides)": "caf.fr",
    "[caf.fr](https://connect.caf.fr/)": "caf.fr",
    "[le site de la CAF](https://www.caf.fr/)": "le site de la CAF",
    "[caf\u200b.fr](https://evil.example/)": "caf\u200b.fr (evil.example)",
    "[ca\u00adf.fr](https://evil.example/)": "ca\u00adf.fr (evil.example)",
    "[caf\u2024fr](https://evil.example/)": "caf\u2024fr (evil.example)",
    "[caf\u3002fr](https://evil.example/)": "caf\u3002fr (evil.example)",
    "[caf\u0323.fr](https://evil.example/)": "caf\u0323.fr (evil.example)",
    "[с\u0430f.fr](https://evil.example/)": "с\u0430f.fr (evil.example)",
    "[la CAF](tel:3230)": "la CAF (3230)",
    "[le 3114](tel:3114)": "le 3114",
    "[01 84 72 94 72](tel:+33184729472)": "01 84 72 94 72",
    "[le 15](sms:114)": "le 15 (114)",
}

# Addresses with a disguised target, or of this site: shown as plain text, not as links.
NUMBERS = ["3230", "3114", "0184729472", "114"]  # which may be called

NO_LINKS = [
    "/admin/",
    "//evil.example/",
    "www.caf.fr",
    "https://caf.fr@evil.example/",
    "https://саf.fr/",
    "https://xn--f-7sb.fr/",
    "mailto:a@b.fr",
    "https://amel\u0131.fr/",
    "https:/evil.example/",
    "https:evil.example",
    "https:\\\\evil.example/",
    "https://evil.example\\@caf.fr/",
    "ftp://evil.example/",
    "https://example.com:99999/",
    "https://10.12.2026.1/x",
    "https://mdph.75",
    "https://mdph.75./",
    "https://1.2.3.256/",
    "tel:",
    "tel:0899123456",
    "sms:0899123456",
    "tel:+33899123456",
    "tel:*21*0899123456",
]
