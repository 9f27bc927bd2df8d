"""Every number we export, declared together. Labels have few values: a route, never a path or a user.

Under several workers each process counts in files of its own (metrics_files.py) and `/metrics` adds them up.
"""

from __future__ import annotations

import functools

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# A `_created` series beside every counter doubles the page, and under several workers there is none.
disable_created_metrics()  # type: ignore[no-untyped-call]

# Seconds: from a page out of memory to a long answer's last word.
DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)
LAGS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)

# --- Requests ---------------------------------------------------------------------------------------------------------
HTTP_REQUESTS = Counter("bff_http_requests", "Requests handled.", ["endpoint", "method", "status"])
HTTP_REQUEST_DURATION = Histogram(
    "bff_http_request_duration_seconds",
    "From a request's arrival to its answer's last byte.",
    ["endpoint", "method"],
    buckets=DURATIONS,
)
HTTP_IN_FLIGHT = Gauge("bff_http_in_flight", "Requests being handled, streams included.", multiprocess_mode="livesum")
STREAMS_ACTIVE = Gauge("bff_streams_active", "Streamed answers being sent.", multiprocess_mode="livesum")

# --- Calls to the AI service ------------------------------------------------------------------------------------------
AI_REQUEST_DURATION = Histogram(
    "bff_ai_request_duration_seconds", "One attempt, to its last byte.", ["operation", "outcome"], buckets=DURATIONS
)
AI_TIME_TO_FIRST_CHUNK = Histogram(
    "bff_ai_time_to_first_chunk_seconds", "Until the answer began.", ["operation"], buckets=DURATIONS
)
AI_RETRIES = Counter("bff_ai_retries", "Attempts after the first one, by what had failed.", ["operation", "reason"])
AI_TOKENS = Counter("bff_ai_tokens", "Tokens that the AI service reports to have used.", ["type"])

# --- Answers ----------------------------------------------------------------------------------------------------------
ANSWERS = Counter("bff_answers", "Answers given, by where they came from.", ["operation", "origin"])
CACHE_REQUESTS = Counter("bff_cache_requests", "Looks into the answer cache.", ["result"])
SINGLE_FLIGHT_FOLLOWERS = Counter(
    "bff_single_flight_followers", "Requests that shared an answer another one had already asked for."
)
UNSAVED_MESSAGES = Counter("bff_unsaved_messages", "Messages answered but not kept: the database was away.")

# --- Documents --------------------------------------------------------------------------------------------------------
DOCUMENTS = Counter("bff_documents", "Files read, by how that ended: `ok`, or why not.", ["kind", "outcome"])
DOCUMENT_DURATION = Histogram(
    "bff_document_duration_seconds", "The reading of one file, its wait included.", ["kind"], buckets=DURATIONS
)

# --- Circuit breakers -------------------------------------------------------------------------------------------------
BREAKER_STATE = Gauge(
    "bff_breaker_state", "0 closed, 1 half-open, 2 open.", ["breaker"], multiprocess_mode="livemostrecent"
)
BREAKER_TRANSITIONS = Counter("bff_breaker_transitions", "Changes of state.", ["breaker", "from_state", "to_state"])
BREAKER_REJECTIONS = Counter("bff_breaker_rejections", "Calls not made because the breaker was open.", ["breaker"])

# --- Workers, each measured by itself (vitals.py) ---------------------------------------------------------------------
WORKERS = Gauge("bff_workers", "Workers that serve.", multiprocess_mode="livesum")
WORKERS_CPU = Counter("bff_workers_cpu_seconds", "Processor time that workers have used, those that ended included.")
WORKERS_MEMORY = Gauge("bff_workers_resident_memory_bytes", "Memory of all workers.", multiprocess_mode="livesum")
WORKER_LAG = Histogram(
    "bff_worker_lag_seconds", "How late a thread runs that wants to: streams stand still for so long.", buckets=LAGS
)


@functools.cache
def of_request(endpoint: str, method: str, status: str) -> tuple[Counter, Histogram]:
    """Where such a request is counted and timed, looked up once.

    Its failures begin at nothing before the first is counted: a series that begins with its first event hides that
    event from rate().
    """
    for failure in ("500", "503"):
        HTTP_REQUESTS.labels(endpoint, method, failure)
    return HTTP_REQUESTS.labels(endpoint, method, status), HTTP_REQUEST_DURATION.labels(endpoint, method)


# These begin at nothing too: what they tell apart is known beforehand.
for _result in ("hit", "miss", "stale", "bypass", "error"):
    CACHE_REQUESTS.labels(_result)
for _operation in ("chat", "analyze"):
    for _origin in ("ai", "cache", "stale", "knowledge", "fallback"):
        ANSWERS.labels(_operation, _origin)
