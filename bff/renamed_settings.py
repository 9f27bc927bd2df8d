"""Settings that have a new name. The old name is still read for one release, with a warning in the log."""

from __future__ import annotations

from collections.abc import MutableMapping

NEW_NAMES = {
    "RUN_GRACE_SECONDS": "UNREAD_RUN_TIMEOUT_SECONDS",
    "AI_ATTEMPTS": "AI_MAX_ATTEMPTS",
    "DOCUMENT_SECONDS": "DOCUMENT_TIMEOUT_SECONDS",
    "OPENAI_DOOR_ANONYMOUS": "OPENAI_ALLOW_ANONYMOUS",
}


def copy_to_new_names(environ: MutableMapping[str, str]) -> list[tuple[str, str]]:
    """Copy each value set under an old name to the new name, unless the new name is set as well.

    `OLD_FILE` becomes `NEW_FILE`. Returns the (old, new) names found.
    """
    found = []
    for old, new in NEW_NAMES.items():
        for suffix in ("", "_FILE"):
            if old + suffix in environ:
                found.append((old + suffix, new + suffix))
                if not environ.keys() & {new, f"{new}_FILE"}:
                    environ[new + suffix] = environ[old + suffix]
    return found
