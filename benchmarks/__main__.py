"""`make bench`: the cost of one message at chat-bff and its peers, and the behaviour of thousands of streams.

`python -m benchmarks streams --streams 200` runs one part, smaller. `--write` stores the figures and updates
docs/performance.md and its chart; `document` updates them from the stored figures. `hostile` runs only when named:
it reads each hostile document beside /healthz.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from tests.support import services  # starts Redis, PostgreSQL and the stand-in before Django is set up

PARTS = ("messages", "layers", "streams", "stores", "scrape")


def main() -> None:
    assert services.FOLDER.exists()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # child processes are stopped at exit
    import django  # noqa: PLC0415 after the services have set its environment

    os.environ["DJANGO_SETTINGS_MODULE"] = "bff.settings"
    django.setup()
    sys.excepthook = sys.__excepthook__  # bff's hook hides error texts, which may hold secrets in production
    from benchmarks.reports import figures, performance_doc  # noqa: PLC0415 after Django is set up
    from benchmarks.scenarios import compare, dashboard, large_history, shard_death, shards  # noqa: PLC0415

    options = _parse_arguments()
    if options.part == "document":
        performance_doc.write(figures.load())
        return
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    call_command("load_knowledge", verbosity=0)
    if options.part == "compare":
        compare.measure(Path(options.other).resolve(), options.rounds)
        return
    if options.part == "dashboard":
        dashboard.show()
        return
    if options.part == "history":
        large_history.measure(options.messages)
        return
    if options.part == "shards":
        shards.measure()
        shard_death.measure()
        return
    for part in [options.part] if options.part else PARTS:
        _run(part, options)


def _parse_arguments() -> argparse.Namespace:
    from benchmarks.scenarios import streams  # noqa: PLC0415 after Django is set up

    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    others = ("compare", "dashboard", "document", "history", "hostile", "shards")
    parser.add_argument("part", nargs="?", choices=[*PARTS, *others])
    parser.add_argument("other", nargs="?", help="the checkout to compare this one with")
    parser.add_argument("--rounds", type=int, default=2, help="in which the endpoints take turns (%(default)s)")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/performance.md")
    parser.add_argument("--messages", type=int, default=5_000_000, help="in the table of `history` (%(default)s)")
    for option in fields(streams.StreamLoad):
        parser.add_argument(f"--{option.name}", type=type(option.default), help="one load in place of the three")
    return parser.parse_args()


def _run(part: str, options: argparse.Namespace) -> None:
    """Measure one part, print its tables, and store its figures if `--write` is given."""
    from benchmarks.reports import figures, performance_doc, sections  # noqa: PLC0415 after Django is set up
    from benchmarks.scenarios import hostile_documents, metrics_scrape  # noqa: PLC0415

    if part in {"scrape", "hostile"}:
        (metrics_scrape if part == "scrape" else hostile_documents).measure()
        return
    measured = _measure(part, options)
    for build in sections.BY_PART[part].values():
        print(f"\n{build({part: {'figures': measured}})}\n", flush=True)
    if options.write:
        figures.save(part, measured)
        performance_doc.write(figures.load())


def _measure(part: str, options: argparse.Namespace) -> Any:
    from benchmarks.scenarios import layers, messages, stores, streams  # noqa: PLC0415 after Django is set up

    match part:
        case "messages":
            return messages.measure(options.rounds)
        case "layers":
            return layers.measure(2 * options.rounds)
        case "stores":
            return stores.measure()
    values = {option.name: getattr(options, option.name) for option in fields(streams.StreamLoad)}
    given = {name: value for name, value in values.items() if value is not None}
    return streams.measure((streams.StreamLoad(**given),) if given else streams.LOADS)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped")
