"""Writes gunicorn's own log lines in our format: `logger_class = Logger` in its configuration."""

from __future__ import annotations

import logging
from typing import Any

from gunicorn.glogging import Logger as GunicornLogger


class Logger(GunicornLogger):  # type: ignore[misc]  # gunicorn ships no types
    """Passes every record to the root logger, which `logs.configure` must have set up."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True
            logger.setLevel(logging.NOTSET)  # LOG_LEVEL rules

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log `msg` without its arguments: for a request they hold the whole URL, query included."""
        super().exception(msg.partition("%")[0].strip(), **kwargs)
