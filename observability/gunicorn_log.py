"""gunicorn's own lines, in our format. In its configuration: `logger_class = "observability.gunicorn_log.Logger"`."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger as GunicornLogger


class Logger(GunicornLogger):  # type: ignore[misc]  # gunicorn ships no types
    """Hands every record on to the root logger, which `logs.configure` must have set up."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Without what it is about: for a request that is the whole address, query included."""
        super().exception(msg.partition("%")[0].strip(), **kwargs)
