"""Every metric that tocsin serves; tests compare ``docs/metrics.md`` with this list.

Names follow the Prometheus conventions: base units, ``_total`` on counters, and
``_timestamp_seconds`` on times (an age is ``time() - metric``, which grows while a process hangs).
Label values come from closed sets or settings, never from posts.
"""

from prometheus_client import (
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)
from prometheus_client.metrics import MetricWrapperBase

# One more sample for each counter and histogram, which no query of ours needs.
disable_created_metrics()  # type: ignore[no-untyped-call]

BATCH_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LATENCY_SECONDS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 1800, 7200, 86400)
_ERASURE_SECONDS = (1, 3, 10, 30, 60, 300, 1800, 3600, 7200, 86400, 604800)

# --- every service -------------------------------------------------------------------------
BUILD = Info("tocsin_build", "Version of tocsin and name of the service.")
DEAD_LETTERS = Counter(
    "tocsin_dead_letters_total",
    "Messages delivered to the dead-letters topic.",
    ["service", "reason"],
)
RETRIES = Counter(
    "tocsin_retries_total",
    "Retries after a timeout or a busy answer.",
    ["service", "cause"],
)
EXPIRED = Counter(
    "tocsin_expired_messages_total",
    "Messages that Kafka deleted before the consumer group read them: retention is shorter than "
    "the outage.",
    ["service", "partition"],
)
OLDEST_UNREAD = Gauge(
    "tocsin_oldest_unread_age_seconds",
    "Time since the oldest message that the consumer group has not handled was written; 0 where "
    "none waits.",
    ["service", "partition"],
)
RETENTION = Gauge(
    "tocsin_retention_seconds",
    "How long Kafka keeps the messages that this consumer group reads, as the topic is set; "
    "infinite if for good.",
    ["service"],
)
UNREAD_BYTES = Gauge(
    "tocsin_unread_retention_bytes_ratio",
    "Unread bytes by the topic's retention.bytes; absent where it has none.",
    ["service", "partition"],
)
POSITION_RESETS = Counter(
    "tocsin_position_resets_total",
    "Positions of the consumer group that changed without it, by cause: topic_anew, moved "
    "(while no member held the partition), forgotten (none is left on a topic that began before).",
    ["service", "cause"],
)
WATCH_FAILURES = Counter(
    "tocsin_watch_failures_total",
    "Looks at the service's own place in Kafka that failed, by watch: group, partitions, "
    "retention (the topic's settings).",
    ["service", "watch"],
)
COVERAGE_RECORDS = Counter(
    "tocsin_coverage_records_total",
    "Records of coverage by result: written, failed (tried again), dropped.",
    ["service", "result"],
)
READY = Gauge("tocsin_ready", "1 while the service is ready, else 0.", ["service"])

# --- ingestors -----------------------------------------------------------------------------
INGEST_EVENTS = Counter(
    "tocsin_ingest_events_total", "Events read from a source.", ["source", "op"]
)
INGEST_ACKNOWLEDGED = Counter(
    "tocsin_ingest_acknowledged_total", "Events acknowledged by Kafka.", ["source"]
)
INGEST_UNREADABLE = Counter(
    "tocsin_ingest_unreadable_total",
    "Items a source delivered that could not be parsed; each is a dead letter.",
    ["source"],
)
INGEST_DROPPED_VALUES = Counter(
    "tocsin_ingest_dropped_values_total",
    "Values of files that could not be read; the posts are kept without them.",
    ["field"],
)
INGEST_TRUNCATED = Counter(
    "tocsin_ingest_truncated_total", "Posts whose text was cut to the maximum length.", ["source"]
)
INGEST_IMPLAUSIBLE_DATES = Counter(
    "tocsin_ingest_implausible_dates_total",
    "Posts with an implausible date, replaced by the time of ingestion.",
    ["source"],
)
INGEST_IN_FLIGHT = Gauge(
    "tocsin_ingest_in_flight",
    "Messages sent and not yet acknowledged, dead letters included.",
    ["source"],
)
INGEST_BACKPRESSURE_SECONDS = Counter(
    "tocsin_ingest_backpressure_seconds_total",
    "Time the source was not read because Kafka was slow.",
    ["source"],
)
INGEST_CONNECTED = Gauge(
    "tocsin_ingest_connected", "1 while connected to the platform.", ["source"]
)
INGEST_REJECTED = Gauge(
    "tocsin_ingest_rejected",
    "1 while the platform rejects a source that it served before; it is tried again.",
    ["source"],
)
INGEST_RECONNECTS = Counter(
    "tocsin_ingest_reconnects_total",
    "Reconnects, by what ended the previous connection.",
    ["source", "cause"],
)
INGEST_GAPS = Counter(
    "tocsin_ingest_gaps_total", "Known gaps: intervals in which posts were missed.", ["source"]
)
INGEST_GAP_SECONDS = Counter(
    "tocsin_ingest_gap_seconds_total", "Total length of the known gaps, event time.", ["source"]
)
INGEST_X_RULES = Gauge("tocsin_ingest_x_rules", "Rules of the brands at X.")
INGEST_X_RULES_OUTDATED = Gauge(
    "tocsin_ingest_x_rules_outdated", "1 while the rules at X are not those of the brands."
)
INGEST_X_RULE_CHANGES = Counter(
    "tocsin_ingest_x_rule_changes_total",
    "Changes of the rules at X after a change of brands: changed, failed.",
    ["outcome"],
)
INGEST_SPOOLED = Gauge(
    "tocsin_ingest_spooled_bytes", "Bytes on disk that Kafka has not acknowledged.", ["source"]
)
INGEST_SPOOL_REPLAYED = Counter(
    "tocsin_ingest_spool_replayed_total",
    "Items that were read before the last end and not acknowledged; they are sent first.",
    ["source"],
)
INGEST_SPOOL_MISSED = Counter(
    "tocsin_ingest_spool_missed_total",
    "Items that are not on disk, as the spool is full or cannot be written.",
    ["source"],
)
INGEST_LAST_EVENT = Gauge(
    "tocsin_ingest_last_event_timestamp_seconds", "Event time of the newest event.", ["source"]
)
INGEST_LAST_RECEIVED = Gauge(
    "tocsin_ingest_last_received_timestamp_seconds",
    "Time of the last item from the source, wall clock.",
    ["source"],
)
INGEST_CHECKPOINT = Gauge(
    "tocsin_ingest_checkpoint_timestamp_seconds",
    "Time of the last acknowledged checkpoint, wall clock.",
    ["source"],
)

# --- processors ----------------------------------------------------------------------------
PROCESS_EVENTS = Counter("tocsin_process_events_total", "Events read from the posts topic.", ["op"])
PROCESS_MENTIONS = Counter(
    "tocsin_process_mentions_total", "Events delivered to the mentions topic.", ["op"]
)
PROCESS_UNMATCHED = Counter(
    "tocsin_process_unmatched_total", "Posts dropped because they match no brand."
)
PROCESS_BATCH_SECONDS = Histogram(
    "tocsin_process_batch_seconds",
    "Time from reading a batch to the acknowledgement of its output.",
    buckets=BATCH_SECONDS,
)
PROCESS_ANNOTATOR_SECONDS = Counter(
    "tocsin_process_annotator_seconds_total", "Time spent in each annotator.", ["annotator"]
)
PROCESS_ENRICHED = Counter(
    "tocsin_process_enriched_total",
    "Posts that match a brand, by the tier that annotated them.",
    ["tier"],
)
PROCESS_FAST_FALLBACK = Gauge(
    "tocsin_process_fast_fallback",
    "1 from when the encoder reads nothing because of lag until a quarter of that lag, else 0.",
)
PROCESS_ENCODER_CHOSEN = Counter(
    "tocsin_process_encoder_chosen_total",
    "Posts that the encoder read, by what spoke most for them; `all`: there was no need to choose.",
    ["reason"],
)
PROCESS_ENCODER_CORE = Gauge(
    "tocsin_process_encoder_core_ratio",
    "Share of a core that the encoder may take at the present lag.",
)
PROCESS_BISECTIONS = Counter(
    "tocsin_process_bisections_total", "Batches split to isolate a failing message."
)
PROCESS_LAG = Gauge(
    "tocsin_process_lag_messages", "Consumer lag: end offset minus committed offset.", ["partition"]
)
PROCESS_UNCOMMITTED = Gauge(
    "tocsin_process_uncommitted_messages",
    "Messages acknowledged by the agent and not yet committed.",
    ["partition"],
)
PROCESS_BRANDS = Gauge("tocsin_process_brands", "Brands currently matched.")
PROCESS_BRANDS_UNREADABLE = Gauge(
    "tocsin_process_brands_unreadable",
    "Brands on the topic that cannot be parsed or have an invalid query; their last valid "
    "state stays in use if this process has seen one.",
)
PROCESS_BRANDS_UPDATED = Gauge(
    "tocsin_process_brands_updated_timestamp_seconds", "Time of the last change of brands."
)

# --- detector ------------------------------------------------------------------------------
DETECTOR_LAG = Gauge(
    "tocsin_detector_lag_messages",
    "Consumer lag: end offset minus committed offset.",
    ["partition"],
)
DETECTOR_UNCOMMITTED = Gauge(
    "tocsin_detector_uncommitted_messages",
    "Records read and not yet committed; the next snapshot commits them.",
    ["partition"],
)
DETECTOR_RECORDS = Counter("tocsin_detector_records_total", "Activity records read.")
DETECTOR_LATE = Gauge(
    "tocsin_detector_late_records",
    "Activity records not counted since the start: too late, or repeated.",
)
DETECTOR_AHEAD = Counter(
    "tocsin_detector_ahead_records_total",
    "Activity records that claim a time later than their ingestion, or than our clock.",
)
DETECTOR_MADE_UP = Counter(
    "tocsin_detector_made_up_records_total",
    "Late activity records that were counted; the windows that they touch are evaluated again.",
)
DETECTOR_UNCOUNTED = Counter(
    "tocsin_detector_uncounted_records_total",
    "Activity records that came too late to be counted.",
)
DETECTOR_FAILED = Counter(
    "tocsin_detector_failed_looks_total",
    "Evaluations of a brand that failed; its alerts may be missing.",
)
DETECTOR_HELD = Gauge(
    "tocsin_detector_held_messages",
    "Activity records of a backlog that wait to be put into the order of event time.",
)
DETECTOR_BRANDS = Gauge("tocsin_detector_brands", "Brands whose state this process holds.")
DETECTOR_ALERTS = Counter(
    "tocsin_detector_alerts_total",
    "Alert states published; a restart repeats some under the same ids.",
    ["kind", "status", "severity"],
)
DETECTOR_REBUILT = Counter(
    "tocsin_detector_rebuilt_brands_total",
    "Brands whose state was missing and was rebuilt from activity.",
)
DETECTOR_BLIND = Gauge(
    "tocsin_detector_blind", "1 while an active source is silent, else 0.", ["source"]
)
DETECTOR_SNAPSHOT = Gauge(
    "tocsin_detector_snapshot_timestamp_seconds", "Time of the last state snapshot."
)

# --- sinks ---------------------------------------------------------------------------------
SINK_ITEMS = Counter(
    "tocsin_sink_items_total",
    "Documents by result: written, deleted, superseded, dead, blocked.",
    ["sink", "result"],
)
SINK_BYTES = Counter(
    "tocsin_sink_written_bytes_total",
    "Bytes of the documents that the store acknowledged, before it indexes and compresses them.",
    ["sink"],
)
SINK_PARKED = Gauge(
    "tocsin_sink_parked_messages",
    "Messages that wait for an index that takes no writes, by that index.",
    ["sink", "index"],
)
SINK_BLOCKED = Gauge(
    "tocsin_sink_blocked_indices",
    "Indices that take no writes while others do.",
    ["sink"],
)
SINK_BATCH_SECONDS = Histogram(
    "tocsin_sink_batch_seconds",
    "Time from polling a batch to committing its offsets.",
    ["sink"],
    buckets=BATCH_SECONDS,
)
SINK_LAG = Gauge(
    "tocsin_sink_lag_messages",
    "Consumer lag: end offset minus committed offset.",
    ["sink", "partition"],
)
SINK_PAUSED = Gauge(
    "tocsin_sink_paused",
    "1 while partitions are paused because the store is busy, else 0.",
    ["sink"],
)
SINK_EVENT_LATENCY = Histogram(
    "tocsin_sink_event_latency_seconds",
    "Time from a post's publication to the store's acknowledgement.",
    ["sink"],
    buckets=LATENCY_SECONDS,
)
SINK_INGEST_LATENCY = Histogram(
    "tocsin_sink_ingest_latency_seconds",
    "Time from ingestion to the store's acknowledgement.",
    ["sink"],
    buckets=LATENCY_SECONDS,
)
SINK_SEARCHABLE_LATENCY = Histogram(
    "tocsin_sink_searchable_latency_seconds",
    "Time from ingestion to a hit in search; sampled about once a second.",
    ["sink"],
    buckets=LATENCY_SECONDS,
)
SINK_LAST_WRITE = Gauge(
    "tocsin_sink_last_write_timestamp_seconds", "Time of the last acknowledged batch.", ["sink"]
)

SINK_ERASURE_SECONDS = Histogram(
    "tocsin_sink_erasure_seconds",
    "Time from the erasure of an author to the last index that is done with it.",
    buckets=_ERASURE_SECONDS,
)
SINK_OLDEST_ERASURE = Gauge(
    "tocsin_sink_oldest_erasure_timestamp_seconds",
    "Time of the oldest erasure that is not done in every index; 0 if there is none.",
)
SINK_STRANGERS = Counter(
    "tocsin_sink_unknown_deletes_total",
    "Deletes of posts that were never in the store; nothing is written for them.",
    ["sink"],
)
SINK_EXPIRED = Counter(
    "tocsin_sink_expired_total",
    "Mentions deleted because their source lets nobody keep them any longer (keep_until).",
)

# --- alerts to people ----------------------------------------------------------------------
ALERTS_STATES = Counter(
    "tocsin_alerts_states_total",
    "Alert states by result in a channel: delivered, dead, or not delivered (repeated, muted, "
    "elsewhere, never_opened, expired).",
    ["channel", "result"],
)
ALERTS_RETRIES = Counter(
    "tocsin_alerts_retries_total",
    "Delivery retries, by the channel's answer.",
    ["channel", "cause"],
)
ALERTS_FAILING = Gauge(
    "tocsin_alerts_failing", "1 while deliveries to a channel fail, else 0.", ["channel"]
)
ALERTS_LAG = Gauge(
    "tocsin_alerts_lag_messages",
    "Consumer lag of a channel: alert states not handled yet.",
    ["channel"],
)
ALERTS_LATENCY = Histogram(
    "tocsin_alerts_delivery_latency_seconds",
    "Time from the detector's decision to the channel's acknowledgement.",
    ["channel"],
    buckets=LATENCY_SECONDS,
)

# --- names of before -----------------------------------------------------------------------
OLD_NAMES: dict[str, MetricWrapperBase] = {
    "tocsin_process_read": PROCESS_ENRICHED,
    "tocsin_process_fallen_back": PROCESS_FAST_FALLBACK,
    "tocsin_detector_saved_timestamp_seconds": DETECTOR_SNAPSHOT,
    "tocsin_alerts_waiting_messages": ALERTS_LAG,
}
"""Renamed in 0.2.0; served under both names until 0.3.0."""
