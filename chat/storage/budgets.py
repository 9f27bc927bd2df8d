"""Daily budgets: AI answers per caller and per network, and tokens of the whole fleet.

Redis counts per day (in TIME_ZONE), under pseudonyms. 0 means no limit; for an API key it means no AI answers. While
Redis is unavailable nothing is counted, and only such a key is refused: the rate limits still hold, in each process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal

from django.conf import settings
from django.utils import timezone

from chat.core import local_day
from chat.core.events import Usage
from chat.core.token_estimate import estimated_tokens
from chat.core.transcript import Transcript
from chat.storage import fleet_counters
from observability import metrics
from observability.caller import Caller
from observability.pseudonyms import pseudonym
from observability.redis_trips import Command, Script
from observability.shared_redis import shared_redis

Budget = Literal["caller", "address", "tokens"]

LIFETIME_SECONDS = 2 * 24 * 3600

# KEYS: the tokens spent, then the counters of answers; ARGV: lifetime, then the limit of each key. Counts an answer and
# returns 0, or returns the number of the first key whose budget is used up, and counts nothing.
_spend = Script("""
for number, key in ipairs(KEYS) do
  local limit = tonumber(ARGV[number + 1])
  if limit > 0 and tonumber(redis.call('GET', key) or 0) >= limit then return number end
end
for number = 2, #KEYS do
  if redis.call('INCR', KEYS[number]) == 1 then redis.call('EXPIRE', KEYS[number], ARGV[1]) end
end
return 0
""")


@dataclass(frozen=True, slots=True)
class SpentAnswer:
    """An answer that counts under these keys of its day."""

    keys: Sequence[str] = ()

    def settle(self, transcript: Transcript) -> None:
        """Give the answer back unless the AI has written it, has begun to, or has refused the question."""
        finish = transcript.finish
        assert finish is not None
        is_refused = finish.degraded is not None and finish.degraded.reason == "ai_rejected"
        if finish.origin != "ai" and not is_refused:
            shared_redis.post(*(command for key in self.keys for command in _add(key, -1)))


def spend_answer(caller: Caller | None) -> SpentAnswer | None:
    """Count an answer that the AI is asked to write, until it is settled. None if a budget is used up; the dashboard
    counts that.

    Without a caller (None), as in warm_cache, only the token budget counts.
    """
    if caller is not None and caller.daily_answers == 0:
        _count_refusal("caller")
        return None
    budgets: list[tuple[Budget, str, int]] = [("tokens", "tokens", settings.DAILY_TOKENS_TOTAL), *_budgets_of(caller)]
    if not any(limit for _, _, limit in budgets):
        return SpentAnswer()
    keys, limits = [_key(name) for _, name, _ in budgets], [limit for _, _, limit in budgets]
    replies = shared_redis.send(_spend(keys, LIFETIME_SECONDS, *limits))
    if replies is None:
        return SpentAnswer()
    if used_up := int(replies[0]):
        _count_refusal(budgets[used_up - 1][0])
        return None
    return SpentAnswer(keys[1:])


def spend_tokens(usage: Usage | None, *texts: str | bytes) -> None:
    """Count the tokens of a call, estimated from its texts if the service doesn't report them."""
    if not settings.DAILY_TOKENS_TOTAL:
        return
    tokens = usage.prompt_tokens + usage.completion_tokens if usage else estimated_tokens(*texts)
    shared_redis.post(*_add(_key("tokens"), tokens))


def tokens_spent() -> int | None:
    """The tokens that today's calls cost; None while Redis is unavailable."""
    replies = shared_redis.send(("GET", _key("tokens")))
    return int(replies[0] or 0) if replies else None


def has_tokens_left() -> bool:
    """Whether the token budget allows another call. Unlike `spend_answer`, it counts no refusal."""
    limit = settings.DAILY_TOKENS_TOTAL
    return not limit or (tokens_spent() or 0) < limit


def seconds_until_reset() -> int:
    """Seconds until midnight, when all budgets are reset."""
    now = timezone.localtime()
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
    # Not wall-clock arithmetic, which is an hour off on the days on which the clocks change.
    return max(1, round(midnight.timestamp() - now.timestamp()))


def _count_refusal(budget: Budget) -> None:
    metrics.OVER_BUDGET.labels(budget).inc()
    fleet_counters.count_over_budget(budget)


def _budgets_of(caller: Caller | None) -> Iterator[tuple[Budget, str, int]]:
    """The budgets with the name that each is counted under, and its limit. A program has one of its own."""
    if caller is None:
        return
    if caller.kind == "key":
        if caller.daily_answers:
            yield "caller", f"caller:{caller.id}", caller.daily_answers
        return
    if settings.DAILY_ANSWERS_PER_CALLER:
        yield "caller", f"caller:{caller.id}", settings.DAILY_ANSWERS_PER_CALLER
    if settings.DAILY_ANSWERS_PER_ADDRESS:
        for network, limit in caller.limits_by_network(settings.DAILY_ANSWERS_PER_ADDRESS):
            yield "address", f"network:{network}", limit


def _add(key: str, number: int) -> tuple[Command, Command]:
    return ("INCRBY", key, number), ("EXPIRE", key, LIFETIME_SECONDS)


def _key(name: str) -> str:
    """All keys of a day are in one slot of a cluster, so that one script reads them."""
    return f"bff:budget:{{{local_day.today().isoformat()}}}:{pseudonym('chat.budgets', name)}"
