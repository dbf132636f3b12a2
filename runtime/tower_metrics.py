"""The metrics of the control tower, the web application; ``runtime.metrics`` has all others."""

from prometheus_client import Counter, Gauge, Histogram

from runtime.metrics import BATCH_SECONDS, LATENCY_SECONDS

TOWER_REQUESTS = Counter(
    "tocsin_tower_requests_total",
    "Requests by kind of route (page, api, act, static, live, sign_in, other) and class of status.",
    ["kind", "status"],
)
TOWER_PAGE_SECONDS = Histogram(
    "tocsin_tower_page_seconds",
    "Time of a page, from the request to its whole answer.",
    buckets=BATCH_SECONDS,
)
TOWER_QUESTIONS = Counter(
    "tocsin_tower_questions_total",
    "Questions that were searched; a question that many browsers ask within a tick counts once.",
    ["question"],
)
TOWER_SEARCH_SECONDS = Histogram(
    "tocsin_tower_search_seconds",
    "Time of a request to the index, with all searches of a page.",
    buckets=BATCH_SECONDS,
)
TOWER_SEARCH_FAILURES = Counter(
    "tocsin_tower_search_failures_total", "Requests and searches that gave no answer."
)
TOWER_STREAMS = Gauge("tocsin_tower_streams", "Browsers with an open live stream.")
TOWER_SENT = Counter(
    "tocsin_tower_events_total", "Events written to live streams, by kind.", ["event"]
)
TOWER_DROPPED = Counter(
    "tocsin_tower_dropped_events_total",
    "Events that a browser was too slow for; its screen says how many.",
)
TOWER_LIVE_LATENCY = Histogram(
    "tocsin_tower_live_latency_seconds",
    "Time from the enrichment of a mention to its place in the queues of browsers.",
    buckets=LATENCY_SECONDS,
)
TOWER_LIVE_FAILURES = Counter(
    "tocsin_tower_live_failures_total",
    "Failures of the reader of Kafka; screens say 'not live' until it reads again.",
)
TOWER_REFUSED = Counter(
    "tocsin_tower_refused_requests_total",
    "Refused requests by reason: host, origin, signed_out, role, size, rate, streams.",
    ["reason"],
)
TOWER_ACTS = Counter(
    "tocsin_tower_acts_total", "Acts of people on alerts, by act and result.", ["act", "result"]
)
