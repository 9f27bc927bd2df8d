"""`make bench`: what one message costs, here and at what people would run instead, and what a thousand streams do.

`python -m benchmarks streams --streams 200` runs a part, smaller.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import fields

from tests import services  # starts Redis, PostgreSQL and the stand-in, before Django is set up


def main() -> None:
    assert services.FOLDER.exists()
    import django  # noqa: PLC0415 after the services have set its environment

    os.environ["DJANGO_SETTINGS_MODULE"] = "bff.settings"
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 likewise

    from benchmarks import dashboard, messages, scrape, streams  # noqa: PLC0415 likewise

    arguments = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    arguments.add_argument("part", nargs="?", choices=["messages", "streams", "scrape", "dashboard"])
    for option in fields(streams.Load):
        arguments.add_argument(f"--{option.name}", type=type(option.default), default=option.default)
    wanted = vars(arguments.parse_args())
    part = wanted.pop("part")

    call_command("migrate", verbosity=0)
    call_command("load_knowledge", verbosity=0)
    if part in (None, "messages"):
        messages.compare()
    if part in (None, "streams"):
        streams.measure(streams.Load(**wanted))
    if part in (None, "scrape"):
        scrape.measure()
    if part == "dashboard":  # a picture and no figure
        dashboard.show()


if __name__ == "__main__":
    main()
