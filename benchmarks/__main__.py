"""`make bench`: what one message costs, here and at what people would run instead."""

from __future__ import annotations

import os

from tests import services  # starts Redis, PostgreSQL and the stand-in, before Django is set up


def main() -> None:
    assert services.FOLDER.exists()
    import django  # noqa: PLC0415 after the services have set its environment

    os.environ["DJANGO_SETTINGS_MODULE"] = "bff.settings"
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 likewise

    from benchmarks import messages  # noqa: PLC0415 likewise

    call_command("migrate", verbosity=0)
    call_command("load_knowledge", verbosity=0)
    messages.compare()


if __name__ == "__main__":
    main()
