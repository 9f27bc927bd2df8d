"""All Prometheus metrics. Every label has a closed set of values: a route, never a path or a user.

With several workers each process writes its own files (prometheus_multiproc.py) and `/metrics` adds them up.
"""

from __future__ import annotations

import functools

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# A `_created` series for each counter would double the page; with several workers prometheus_client has none.
disable_created_metrics()  # type: ignore[no-untyped-call]

# Histogram buckets in seconds.
DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)
LAG_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)

# --- Requests ---------------------------------------------------------------------------------------------------------
HTTP_REQUESTS = Counter("bff_http_requests", "Requests handled.", ["endpoint", "method", "status"])
HTTP_REQUEST_DURATION = Histogram(
    "bff_http_request_duration_seconds",
    "From the request's arrival to the last byte of its response.",
    ["endpoint", "method"],
    buckets=DURATION_BUCKETS,
)
HTTP_IN_FLIGHT = Gauge("bff_http_in_flight", "Requests being handled, streams included.", multiprocess_mode="livesum")
STREAMS_ACTIVE = Gauge("bff_streams_active", "Streamed responses being sent.", multiprocess_mode="livesum")

# --- Calls to an AI service: `primary` or `fallback` ------------------------------------------------------------------
AI_REQUEST_DURATION = Histogram(
    "bff_ai_request_duration_seconds",
    "Duration of one attempt, to its last byte.",
    ["service", "operation", "outcome"],
    buckets=DURATION_BUCKETS,
)
AI_TIME_TO_FIRST_CHUNK = Histogram(
    "bff_ai_time_to_first_chunk_seconds",
    "Time to the first chunk of an answer.",
    ["service", "operation"],
    buckets=DURATION_BUCKETS,
)
AI_RETRIES = Counter(
    "bff_ai_retries", "Attempts after the first one, by the reason of the failure.", ["service", "operation", "reason"]
)
AI_TOKENS = Counter("bff_ai_tokens", "Tokens used, as reported by the AI service.", ["service", "type"])

# --- Answers ----------------------------------------------------------------------------------------------------------
ANSWERS = Counter("bff_answers", "Answers given, by origin.", ["operation", "origin"])
CACHE_REQUESTS = Counter("bff_cache_requests", "Lookups in the answer cache.", ["result"])
SINGLE_FLIGHT_FOLLOWERS = Counter(
    "bff_single_flight_followers", "Requests that joined an answer already being produced for another request."
)
UNSAVED_MESSAGES = Counter("bff_unsaved_messages", "Messages answered but not saved in time, each turn once.")
SAVED_LATE_MESSAGES = Counter("bff_saved_late_messages", "Messages reported as unsaved that were saved late.")

OVER_BUDGET = Counter(
    "bff_over_budget", "Answers that the AI was not asked for, because a daily budget was used up.", ["budget"]
)
PARALLEL_ANSWERS_REFUSED = Counter(
    "bff_parallel_answers_refused",
    "Requests refused because a caller or a network had too many answers at the same time.",
    ["limit"],
)
UNEXPECTED_ERRORS = Counter(
    "bff_unexpected_errors",
    "Errors of this program that nobody expected, by where they were caught.",
    ["room"],
)

KNOWLEDGE_OVERDUE = Gauge(
    "bff_knowledge_overdue_entries",
    "Knowledge entries whose facts are past their date.",
    multiprocess_mode="livemostrecent",
)

# --- Redis and PostgreSQL (outage.py) ---------------------------------------------------------------------------------
DEPENDENCY_SLOW = Counter(
    "bff_dependency_slow", "Operations that took longer than 50 ms, or whose answer came too late.", ["dependency"]
)
OUTAGES = Counter(
    "bff_dependency_outages", "Outages told: the dependency failed and did not answer a second look.", ["dependency"]
)
LOGIN_FAILURES = Counter("bff_admin_login_failures", "Failed logins to the admin, by why they failed.", ["code"])

# --- Documents --------------------------------------------------------------------------------------------------------
DOCUMENTS = Counter("bff_documents", "Files read, by outcome: `ok` or an error code.", ["kind", "outcome"])
DOCUMENT_DURATION = Histogram(
    "bff_document_duration_seconds",
    "Time to read one file, including the wait for a free sandbox.",
    ["kind"],
    buckets=DURATION_BUCKETS,
)

# --- Circuit breakers -------------------------------------------------------------------------------------------------
BREAKER_STATE = Gauge(
    "bff_breaker_state", "0 closed, 1 half-open, 2 open.", ["breaker"], multiprocess_mode="livemostrecent"
)
BREAKER_TRANSITIONS = Counter("bff_breaker_transitions", "State changes.", ["breaker", "from_state", "to_state"])
BREAKER_REJECTIONS = Counter("bff_breaker_rejections", "Calls rejected because the breaker was open.", ["breaker"])

# --- Workers (worker_metrics.py) --------------------------------------------------------------------------------------
BUILD_INFO = Gauge(
    "bff_build_info",
    "1, labelled with the version and commit of the program.",
    ["version", "commit"],
    multiprocess_mode="livemax",
)
WORKERS = Gauge("bff_workers", "Workers accepting requests.", multiprocess_mode="livesum")
WORKERS_CPU = Counter("bff_workers_cpu_seconds", "CPU time used by workers, including those that ended.")
WORKERS_MEMORY = Gauge("bff_workers_resident_memory_bytes", "Memory of all workers.", multiprocess_mode="livesum")
WORKER_LAG = Histogram(
    "bff_worker_lag_seconds",
    "Delay before a runnable thread runs; all streams of the worker are blocked meanwhile.",
    buckets=LAG_BUCKETS,
)


@functools.cache
def for_request(endpoint: str, method: str, status: str) -> tuple[Counter, Histogram]:
    """The labelled counter and histogram of such a request, cached because `labels()` is slow.

    Also creates the endpoint's failure series at zero: rate() does not see the first event of a series that starts
    with it.
    """
    for status_of_failure in ("500", "503"):
        HTTP_REQUESTS.labels(endpoint, method, status_of_failure)
    return HTTP_REQUESTS.labels(endpoint, method, status), HTTP_REQUEST_DURATION.labels(endpoint, method)


# Create these series at zero for the same reason; their labels are known in advance.
for _result in ("hit", "miss", "stale", "bypass", "error"):
    CACHE_REQUESTS.labels(_result)
for _code in ("rejected", "second_factor", "limited"):
    LOGIN_FAILURES.labels(_code)
for _budget in ("caller", "address", "tokens"):
    OVER_BUDGET.labels(_budget)
for _limit in ("caller", "address"):
    PARALLEL_ANSWERS_REFUSED.labels(_limit)
for _operation in ("chat", "analyze"):
    for _origin in ("ai", "cache", "stale", "knowledge", "fallback"):
        ANSWERS.labels(_operation, _origin)
for _dependency in ("redis", "supabase"):
    DEPENDENCY_SLOW.labels(_dependency)
    OUTAGES.labels(_dependency)
