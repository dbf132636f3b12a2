"""The Faust application: ``tocsin process``, or ``faust -A processors.enrichment.app worker``.

A thin shell: it reads settings and batches, and hands the batches to ``EnrichmentWorker``.
"""

from functools import partial
from typing import Any

from processors.enrichment.annotator_table import check_annotators
from processors.enrichment.batch import SERVICE
from processors.enrichment.worker import EnrichmentWorker
from processors.faust.app import (
    create_app,
    lag_of,
    leave_if_stuck,
    monitor,
    partition_states,
    raw_topic,
    run,
    start,
    watch_group,
)
from processors.faust.messages import end_process
from processors.faust.watchdog import Gauges, watch
from runtime import metrics
from runtime.kafka.client import check_topics
from runtime.kafka.dead_letters import TOPIC as DEAD_LETTERS
from runtime.service import announce
from runtime.settings import KafkaSettings, ProcessSettings, load

_kafka = load(KafkaSettings)
_settings = load(ProcessSettings)
app = create_app(_kafka, SERVICE, _settings.batch_size, _settings.data_dir, lists=True)
posts = raw_topic(app, _kafka.topic_prefix + "posts")


_prepared: EnrichmentWorker | None = None


def prepare() -> None:
    """Serve metrics and load the models before Kafka is there; :func:`main` goes on from here."""
    global _prepared
    health = start(SERVICE, (KafkaSettings, ProcessSettings))
    check_annotators(_settings)
    _prepared = EnrichmentWorker(_kafka, _settings, health, _lag)
    _prepared.load()


def _lag() -> int:
    """Consumer lag: uncommitted messages of this process's partitions."""
    return 0 if app.consumer is None else lag_of(partition_states(app))


@app.agent(posts)
async def enrich(stream: Any) -> None:
    """Read batches; acknowledge each after its results are delivered."""
    try:
        worker = _prepared or EnrichmentWorker(_kafka, _settings, monitor(SERVICE), _lag)
        await _work(worker)
    except Exception as error:  # noqa: BLE001
        # Faust would log this and go on without an agent, or acknowledge.
        end_process(error)


async def _work(worker: EnrichmentWorker) -> None:
    gauges = Gauges(metrics.PROCESS_LAG, metrics.PROCESS_UNCOMMITTED)
    watch(
        lambda: partition_states(app),
        lambda: worker.holding,
        partial(leave_if_stuck, _kafka, "posts", _settings.stuck_after_s),
        _settings.stuck_after_s,
        gauges,
        watch_group(app, _kafka, SERVICE, "posts", gauges.lag),
    )
    await worker.start()
    while True:  # until Faust cancels its agents
        taken = await app.intake.take(_settings.batch_size, _settings.batch_within_s)
        await worker.take(taken.messages, taken.acknowledge)


def main() -> None:
    """Run a worker until SIGTERM; does not return."""
    health = start(SERVICE, (KafkaSettings, ProcessSettings))
    # Checked here for a one-sentence error; Faust would print a traceback.
    check_annotators(_settings)
    prefix, servers = _kafka.topic_prefix, _kafka.bootstrap_servers
    reading = f"{prefix}posts as group {_kafka.group_prefix}{SERVICE} at {servers}"
    announce(health, reading=reading, writing=f"{prefix}mentions and {prefix}activity")
    health.hinder("start", f"waiting for Kafka at {servers}")
    check_topics(_kafka, ("posts", "mentions", "activity", DEAD_LETTERS, "brands"))
    run(app)


if __name__ == "__main__":
    main()
