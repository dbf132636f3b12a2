"""Mutants of the detector, the index, the alerts and the bounds.

See :mod:`tests.chaos.mutant_table`.
"""

from tests.chaos.mutant import Mutant

DETECTOR = (
    "tests/processors/detector/test_worker.py",
    "tests/processors/detector/test_merge_buffer.py",
)
LAG = ("tests/processors/detector/test_worker_time.py",)
RECOVERY = ("tests/processors/detector/test_recovery.py", *DETECTOR)
BULK = ("tests/sinks/elasticsearch/writes/test_bulk.py",)
DOCUMENTS = ("tests/sinks/elasticsearch/test_documents.py", *BULK)
ERASURE = ("tests/sinks/elasticsearch/test_erasure.py",)
RETENTION = ("tests/sinks/elasticsearch/test_retention.py",)
PLAN = ("tests/sinks/elasticsearch/test_plan.py",)
ALERTS = ("tests/sinks/alerts/test_workers.py", "tests/sinks/alerts/test_deliveries.py")
ROUTING = ("tests/sinks/alerts/test_routing.py",)
STORE = ("tests/sinks/alerts/test_store.py",)
BOUNDS = ("tests/schemas/test_bounds.py",)

MUTANTS = (
    # --- the detector: acknowledged after the snapshot -----------------------------------------
    Mutant(
        "activity is acknowledged before a snapshot holds it",
        "processors/detector/worker.py",
        "            self._held.append(acknowledge)",
        "            acknowledge()",
        DETECTOR,
    ),
    Mutant(
        "a batch of an earlier generation is counted",
        "processors/detector/worker.py",
        " or generation != self._generation:",
        ":",
        DETECTOR,
    ),
    Mutant(
        "the clock closes minutes while records wait",
        "processors/detector/worker.py",
        "if self._is_caught_up():",
        "if True:",
        LAG,
    ),
    Mutant(
        "a stop saves nothing",
        "processors/detector/worker.py",
        "            if self._generation and self._generation == self._generation_now():",
        "            if False:",
        DETECTOR,
    ),
    Mutant(
        "a lost snapshot is not noticed",
        "processors/detector/snapshots.py",
        "            if offset < saved:",
        "            if False:",
        RECOVERY,
    ),
    Mutant(
        "a record is counted twice in a rebuilt state",
        "processors/detector/snapshots.py",
        "        if offset > self.detectors.offset(record.brand, partition):",
        "        if True:",
        RECOVERY,
    ),
    # --- the index: the higher version wins, and a refusal is no success -----------------------
    Mutant(
        "an equal version is refused",
        "sinks/elasticsearch/documents.py",
        '"version_type": "external_gte"',
        '"version_type": "external"',
        DOCUMENTS,
    ),
    Mutant(
        "an older state replaces a newer one",
        "sinks/elasticsearch/documents.py",
        '            "version": self.version,\n            "version_type": "external_gte",\n',
        "",
        DOCUMENTS,
    ),
    Mutant(
        "a busy cluster refuses for good",
        "sinks/elasticsearch/writes/bulk.py",
        "elif status == 429 or status >= 500:",
        "elif status >= 500:",
        BULK,
    ),
    Mutant(
        "any conflict counts as superseded",
        "sinks/elasticsearch/writes/bulk.py",
        'status == 409 and kind == "version_conflict_engine_exception"',
        "status == 409",
        BULK,
    ),
    Mutant(
        "the second half of a request is forgotten",
        "sinks/elasticsearch/writes/bulk.py",
        "outcome.add(write(client, operations[middle:], size, wait_s))",
        "pass",
        BULK,
    ),
    Mutant(
        "a request without an answer counts as written",
        "sinks/elasticsearch/writes/bulk.py",
        'Outcome(retry=list(operations), why=str(error.message), cause="connection")',
        "Outcome(written=list(operations))",
        BULK,
    ),
    Mutant(
        "an erasure takes the posts of other sources",
        "sinks/elasticsearch/erasure.py",
        '"filter": [{"term": {"source": source}}, {"bool": {"should": theirs}}],',
        '"filter": [{"bool": {"should": theirs}}],',
        ERASURE,
    ),
    Mutant(
        "a purge deletes what replaced a tombstone",
        "sinks/elasticsearch/retention.py",
        '        "if_seq_no": hit["_seq_no"],\n        "if_primary_term": hit["_primary_term"],\n',
        "",
        RETENTION,
    ),
    Mutant(
        "posts that may still be kept expire",
        "sinks/elasticsearch/retention.py",
        '{"keep_until": {"lt": now.isoformat()}}',
        '{"keep_until": {"gt": EPOCH.isoformat()}}',
        RETENTION,
    ),
    Mutant(
        "young tombstones are purged",
        "sinks/elasticsearch/retention.py",
        "return max(EPOCH, now - timedelta(days=days)).isoformat()",
        "return now.isoformat()",
        RETENTION,
    ),
    Mutant(
        "a tombstone that was not taken is forgotten",
        "sinks/elasticsearch/erasure.py",
        "why = outcome.why if outcome.retry else why",
        "pass",
        ERASURE,
    ),
    Mutant(
        "an unreadable mention is dropped",
        "sinks/elasticsearch/plan.py",
        "            result.invalid.append((record, error))\n",
        "",
        PLAN,
    ),
    Mutant(
        "an erasure forgets what came before it in its batch",
        "sinks/elasticsearch/plan.py",
        "            result.steps.append(step)\n            step = Step()",
        "            result.steps = [step]\n            step = Step()",
        PLAN,
    ),
    # --- alerts: delivered, recorded, committed, in this order ---------------------------------
    Mutant(
        "a delivery is not recorded",
        "sinks/alerts/service.py",
        "        self._remember(alert, repeat)\n",
        "",
        ALERTS,
    ),
    Mutant(
        "a delivery is not awaited",
        "sinks/alerts/deliveries.py",
        "        deliver(self._producer, [self._record(delivery.alert_id, ALERT_DELIVERY.encode(",
        "        list([self._record(delivery.alert_id, ALERT_DELIVERY.encode(",
        ALERTS,
    ),
    Mutant(
        "a state is delivered again",
        "sinks/alerts/routing.py",
        "alert.version <= before.version",
        "alert.version < before.version",
        ROUTING,
    ),
    Mutant(
        "a misspelt channel hides a crisis",
        "sinks/alerts/routing.py",
        "return configured & set(alert.channels) or configured",
        "return configured & set(alert.channels)",
        ROUTING,
    ),
    Mutant(
        "an older state of an alert replaces a newer one",
        "sinks/alerts/store.py",
        '    if before and alert.version <= before["version"]:',
        "    if False:",
        STORE,
    ),
    Mutant(
        "a newer state of an alert forgets what people did",
        "sinks/alerts/store.py",
        'desk = before.get("desk") or {}',
        "desk = {}",
        STORE,
    ),
    # --- text and times of strangers are bounded -----------------------------------------------
    Mutant(
        "a date far ahead is believed",
        "schemas/bounds.py",
        "return EARLIEST <= when <= now + FUTURE",
        "return EARLIEST <= when",
        BOUNDS,
    ),
    Mutant(
        "a long text is not cut",
        "schemas/bounds.py",
        "text=clean_text(post.text[:MAX_TEXT])",
        "text=clean_text(post.text)",
        BOUNDS,
    ),
)
