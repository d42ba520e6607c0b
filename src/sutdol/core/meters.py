"""What the server counts and times, for Prometheus; what it reads stands in api/figures.py."""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

FAST = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
SLOW = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)

HTTP_REQUESTS = Counter("sutdol_http_requests", "Requests answered.", ["method", "route", "status"])
HTTP_SECONDS = Histogram(
    "sutdol_http_request_duration_seconds",
    "Time from a request's head to the end of its answer.",
    ["route"],
    buckets=SLOW,
)
HTTP_OVERHEAD = Histogram(
    "sutdol_overhead_seconds",
    "Time of a chat or embedding spent here and not in its upstream, until the answer began.",
    buckets=FAST,
)
HTTP_IN_FLIGHT = Gauge(
    "sutdol_http_requests_in_flight", "Requests under way.", multiprocess_mode="livesum"
)
UPSTREAM_REQUESTS = Counter(
    "sutdol_upstream_requests",
    "Questions to upstreams by what came back: a status, or unreached, silent.",
    ["upstream", "outcome"],
)
UPSTREAM_SECONDS = Histogram(
    "sutdol_upstream_first_byte_seconds",
    "Time until an upstream began to answer.",
    ["upstream"],
    buckets=SLOW,
)
UPSTREAM_UP = Gauge(
    "sutdol_upstream_up",
    "1 while questions go to an upstream, 0 while it is left alone.",
    ["upstream"],
    multiprocess_mode="livemin",
)
TOKENS = Counter("sutdol_tokens", "Tokens by upstream and direction.", ["upstream", "direction"])
GUARD_DECISIONS = Counter(
    "sutdol_guard_decisions",
    "What the guard decided: passed, flagged (and let through) or blocked.",
    ["side", "outcome"],
)
GUARD_SECONDS = Histogram(
    "content_arena_model_inference_duration_seconds",
    "Time of one question to the live guard, however many texts it was about.",
    ["role"],
    buckets=FAST,
)
GONE = Counter("sutdol_clients_gone", "Clients that went away before their answer ended.")
ROWS_WRITTEN = Counter("sutdol_writer_rows", "Rows that the batching writer committed.")
ROWS_FAILED = Counter("sutdol_writer_failures", "Tries to write that failed.")
ROWS_DROPPED = Counter(
    "sutdol_writer_dropped",
    "Rows that were lost: refused, or too many while the database was away.",
)
ROWS_WAITING = Gauge(
    "sutdol_writer_waiting", "Rows that wait to be committed.", multiprocess_mode="livesum"
)


# `labels()` costs more than the counting: these are kept, one for each set of labels.
# All of these come from the settings, or from a short list.


@cache
def upstream_requests(upstream: str, outcome: str) -> Counter:
    return UPSTREAM_REQUESTS.labels(upstream, outcome)


@cache
def upstream_seconds(upstream: str) -> Histogram:
    return UPSTREAM_SECONDS.labels(upstream)


@cache
def upstream_up(upstream: str) -> Gauge:
    return UPSTREAM_UP.labels(upstream)


@cache
def tokens(upstream: str, direction: str) -> Counter:
    return TOKENS.labels(upstream, direction)


@cache
def guard_decisions(side: str, outcome: str) -> Counter:
    return GUARD_DECISIONS.labels(side, outcome)
