"""`manage.py check_settings`: the settings in force and where each came from. No secret is shown.

Settings that can't be used are listed before any command runs (bff/environment.py).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = (
        "Print the settings in force and where each came from: environment, file, or default. Secrets are withheld. "
        "Then warn about variables that are no setting, such as misspelt ones, and about repeated ones."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        width = max(len(setting.name) for setting in settings.SETTINGS_IN_FORCE)
        for setting in settings.SETTINGS_IN_FORCE:
            self.stdout.write(f"{setting.name:<{width}}  {setting.shown or '(empty)'}   [{setting.source}]")
        for name, similar in settings.SETTINGS_UNKNOWN.items():
            self.stderr.write(
                f"{name} is set, but is not a setting." + (f" Did you mean {similar}?" if similar else "")
            )
        for name in settings.SETTINGS_REPEATED:
            self.stderr.write(f"{name} is in the file more than once; the last line is in force.")
