"""`python -m ai_service`: start the stand-in AI service."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

import gevent

from ai_service.knowledge import KnowledgeFolder
from ai_service.server import Service, serve

KNOWLEDGE = Path(__file__).resolve().parent.parent / "chat" / "knowledge_base"


def main() -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code."""
    options = _arguments()
    service = Service(options.tokens_per_second, KnowledgeFolder(options.knowledge))
    try:
        server = serve(service, options.host, options.port)
    except OSError as error:
        sys.stderr.write(f"ai_service can't listen on {options.host}:{options.port}: {os.strerror(error.errno or 0)}\n")
        return 1
    for name in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(name, server.stop)
    sys.stdout.write(f"ai_service listening on http://{options.host}:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ai_service", description="A stand-in AI service.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001, help="0 picks a free one (default: %(default)s)")
    parser.add_argument(
        "--tokens-per-second", type=float, default=40.0, help="pace of answers, 0 for no pace (default: %(default)s)"
    )
    parser.add_argument(
        "--knowledge",
        type=_folder,
        metavar="DIR",
        default=KNOWLEDGE,
        help="Markdown entries in fr/ and en/ (default: %(default)s)",
    )
    return parser.parse_args()


def _folder(name: str) -> Path:
    if not Path(name).is_dir():
        raise argparse.ArgumentTypeError(f"{name} is no folder")
    return Path(name)


if __name__ == "__main__":
    sys.exit(main())
