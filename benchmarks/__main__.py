"""`make bench`: what one message costs, here and at what people would run instead, and what thousands of streams do.

`python -m benchmarks streams --streams 200` runs a part, smaller. With `--write` the figures go into
docs/performance.md and its picture; `document` writes those anew from the figures last kept.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import fields
from typing import Any

from tests import services  # starts Redis, PostgreSQL and the stand-in, before Django is set up

PARTS = ("messages", "layers", "streams", "stores", "scrape")


def main() -> None:
    assert services.FOLDER.exists()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # what was started is stopped at exit
    import django  # noqa: PLC0415 after the services have set its environment

    os.environ["DJANGO_SETTINGS_MODULE"] = "bff.settings"
    django.setup()
    sys.excepthook = sys.__excepthook__  # ours withholds what an error says: nobody's secrets are here
    from benchmarks import dashboard, document, figures  # noqa: PLC0415 likewise

    wanted = _arguments()
    if wanted.part == "document":
        document.write(figures.load())
        return
    from django.core.management import call_command  # noqa: PLC0415 likewise

    call_command("migrate", verbosity=0)
    call_command("load_knowledge", verbosity=0)
    if wanted.part == "dashboard":  # a picture and no figure
        dashboard.show()
        return
    for part in [wanted.part] if wanted.part else PARTS:
        _run(part, wanted)


def _arguments() -> argparse.Namespace:
    from benchmarks import streams  # noqa: PLC0415 after Django is set up

    arguments = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    arguments.add_argument("part", nargs="?", choices=[*PARTS, "dashboard", "document"])
    arguments.add_argument("--rounds", type=int, default=2, help="in which the doors take turns (%(default)s)")
    arguments.add_argument("--write", action="store_true", help="put the figures into docs/performance.md")
    for option in fields(streams.Load):
        arguments.add_argument(f"--{option.name}", type=type(option.default), help="one load in place of the three")
    return arguments.parse_args()


def _run(part: str, wanted: argparse.Namespace) -> None:
    """Measure one part, show it, and keep it where that was asked for."""
    from benchmarks import document, figures, report, scrape  # noqa: PLC0415 after Django is set up

    if part == "scrape":
        scrape.measure()
        return
    measured = _measured(part, wanted)
    for make in report.SECTIONS[part].values():
        print(f"\n{make({part: {'figures': measured}})}\n", flush=True)
    if wanted.write:
        figures.save(part, measured)
        document.write(figures.load())


def _measured(part: str, wanted: argparse.Namespace) -> Any:
    from benchmarks import layers, messages, stores, streams  # noqa: PLC0415 after Django is set up

    match part:
        case "messages":
            return messages.measure(wanted.rounds)
        case "layers":
            return layers.measure(2 * wanted.rounds)
        case "stores":
            return stores.measure()
    given = {option.name: getattr(wanted, option.name) for option in fields(streams.Load)}
    own = {name: value for name, value in given.items() if value is not None}
    return streams.measure((streams.Load(**own),) if own else streams.LOADS)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped")
