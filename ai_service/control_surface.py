"""The routes under `/_control`: read the ledger, set faults and the pace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from ai_service.faults import OPERATIONS, Faults, is_number
from ai_service.ledger import Ledger
from ai_service.replies import BadRequest, ImmediateReply, json_object


class ControlSurface:
    """The state that tests and drills control: the pace in tokens per second (0 for none), faults and ledger."""

    def __init__(self, pace: float) -> None:
        self.pace = self._initial_pace = pace
        self.faults = Faults()
        self.ledger = Ledger()
        self._actions: dict[str, Callable[[bytes], dict[str, Any]]] = {
            "GET /_control/stats": lambda _: self.stats(),
            "GET /_control/requests": lambda _: {"requests": self.ledger.as_list()},
            "POST /_control/reset": lambda _: self.reset(),
            "PUT /_control/faults": lambda body: self.set_fault(json_object(body)),
            "DELETE /_control/faults": lambda _: self.clear_faults(),
            "PUT /_control/pace": lambda body: self.set_pace(json_object(body)),
        }

    def __contains__(self, route: object) -> bool:
        return route in self._actions

    def handle(self, route: str, body: bytes) -> ImmediateReply:
        """Run the route's action. Raises BadRequest if the body is invalid."""
        return ImmediateReply(200, orjson.dumps(self._actions[route](body)))

    def stats(self) -> dict[str, Any]:
        return {
            "calls": self.ledger.counts.total(),
            "calls_of": {operation: self.ledger.counts[operation] for operation in OPERATIONS},
            "open_calls": self.ledger.open_calls,
            "faults": self.faults.as_dict(),
            "tokens_per_second": self.pace,
        }

    def reset(self) -> dict[str, Any]:
        self.faults.clear()
        self.ledger.reset()
        self.pace = self._initial_pace
        return self.stats()

    def set_fault(self, options: dict[str, Any]) -> dict[str, Any]:
        try:
            self.faults.activate(options)
        except ValueError as error:
            raise BadRequest(str(error)) from error
        return self.stats()

    def clear_faults(self) -> dict[str, Any]:
        self.faults.clear()
        return self.stats()

    def set_pace(self, options: dict[str, Any]) -> dict[str, Any]:
        pace = options.get("tokens_per_second")
        if not is_number(pace):
            raise BadRequest("tokens_per_second must be a number, 0 or more", "tokens_per_second")
        self.pace = pace
        return self.stats()
