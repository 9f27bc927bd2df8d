"""What `/_control` does: read what was asked, order faults, set the pace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from ai_service.faults import OPERATIONS, Faults, is_number
from ai_service.ledger import Ledger
from ai_service.replies import BadRequest, Instant, json_object


class ControlSurface:
    """The state that tests and drills steer: the pace in tokens per second (0 for none), the faults, the ledger."""

    def __init__(self, pace: float) -> None:
        self.pace = self._first_pace = pace
        self.faults = Faults()
        self.ledger = Ledger()
        self._actions: dict[str, Callable[[bytes], dict[str, Any]]] = {
            "GET /_control/stats": lambda _: self.stats(),
            "GET /_control/requests": lambda _: {"requests": self.ledger.newest_last()},
            "POST /_control/reset": lambda _: self.reset(),
            "PUT /_control/faults": lambda body: self.order(json_object(body)),
            "DELETE /_control/faults": lambda _: self.heal(),
            "PUT /_control/pace": lambda body: self.set_pace(json_object(body)),
        }

    def __contains__(self, route: object) -> bool:
        return route in self._actions

    def act(self, route: str, body: bytes) -> Instant:
        """Do what the route says. Raises BadRequest when the body makes no sense."""
        return Instant(200, orjson.dumps(self._actions[route](body)))

    def stats(self) -> dict[str, Any]:
        return {
            "calls": self.ledger.counts.total(),
            "calls_of": {operation: self.ledger.counts[operation] for operation in OPERATIONS},
            "open_calls": self.ledger.open_calls,
            "faults": self.faults.as_dict(),
            "tokens_per_second": self.pace,
        }

    def reset(self) -> dict[str, Any]:
        self.faults.heal()
        self.ledger.reset()
        self.pace = self._first_pace
        return self.stats()

    def order(self, wish: dict[str, Any]) -> dict[str, Any]:
        try:
            self.faults.order(wish)
        except ValueError as error:
            raise BadRequest(str(error)) from error
        return self.stats()

    def heal(self) -> dict[str, Any]:
        self.faults.heal()
        return self.stats()

    def set_pace(self, wish: dict[str, Any]) -> dict[str, Any]:
        pace = wish.get("tokens_per_second")
        if not is_number(pace):
            raise BadRequest("tokens_per_second must be a number, 0 or more", "tokens_per_second")
        self.pace = pace
        return self.stats()
