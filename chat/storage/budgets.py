"""Daily budgets: AI answers per caller and per network, and tokens of the whole fleet.

Redis counts per day (in TIME_ZONE), under pseudonyms. A budget of 0 is off. While Redis is unavailable nothing is
counted or refused: the rate limits still hold, in each process.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Literal

from django.conf import settings
from django.utils import timezone

from chat.core.events import Usage
from chat.core.token_estimate import estimated_tokens
from chat.storage import fleet_counters
from chat.storage.shared_redis import shared_redis
from observability import metrics
from observability.caller import Caller
from observability.pseudonyms import pseudonym
from observability.redis_trips import Script

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


def spend_answer(caller: Caller | None) -> bool:
    """Count an answer that the AI is asked to write. False if a budget is used up; the dashboard counts that.

    Without a caller (None), as in warm_cache, only the token budget counts.
    """
    budgets: list[tuple[Budget, str, int]] = [("tokens", "tokens", settings.DAILY_TOKENS_TOTAL), *_budgets_of(caller)]
    if not any(limit for _, _, limit in budgets):
        return True
    keys, limits = [_key(name) for _, name, _ in budgets], [limit for _, _, limit in budgets]
    replies = shared_redis.send(_spend(keys, LIFETIME_SECONDS, *limits))
    used_up = replies[0] if replies else 0
    if used_up:
        budget = budgets[int(used_up) - 1][0]
        metrics.OVER_BUDGET.labels(budget).inc()
        fleet_counters.count_over_budget(budget)
    return not used_up


def spend_tokens(usage: Usage | None, *texts: str | bytes) -> None:
    """Count the tokens of a call, estimated from its texts if the service doesn't report them."""
    if not settings.DAILY_TOKENS_TOTAL:
        return
    tokens = usage.prompt_tokens + usage.completion_tokens if usage else estimated_tokens(*texts)
    key = _key("tokens")
    shared_redis.post(("INCRBY", key, tokens), ("EXPIRE", key, LIFETIME_SECONDS))


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
    return max(1, round((midnight - now).total_seconds()))


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


def _key(name: str) -> str:
    """All keys of a day are in one slot of a cluster, so that one script reads them."""
    return f"bff:budget:{{{timezone.localdate().isoformat()}}}:{pseudonym('chat.budgets', name)}"
