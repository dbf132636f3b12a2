"""The detector's Faust application: ``tocsin detector``.

A thin shell: batches of raw records go to :class:`processors.detector.worker.DetectorWorker`,
which acknowledges them once their state is saved.
"""

from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

from processors.detector.recovery import RECORDS, SERVICE, STATE
from processors.detector.worker import DetectorWorker
from processors.faust.app import (
    acknowledge_offsets,
    create_app,
    held_offsets,
    incoming,
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
from runtime.coverage_outbox import CoverageOutbox
from runtime.kafka.client import check_topics
from runtime.kafka.dead_letters import TOPIC as DEAD_LETTERS
from runtime.service import announce
from runtime.settings import DetectorSettings, KafkaSettings, load

_kafka = load(KafkaSettings)
_settings = load(DetectorSettings)
app = create_app(_kafka, SERVICE, _settings.batch_size, holds=True)
activity = raw_topic(app, _kafka.topic_prefix + RECORDS)


@app.agent(activity)
async def detect(stream: Any) -> None:
    try:
        await _work(stream)
    except Exception as error:  # noqa: BLE001
        # Faust would log this and go on without an agent, or acknowledge.
        end_process(error)


async def _work(stream: Any) -> None:
    states, stuck_after_s = partial(partition_states, app), _settings.stuck_after_s
    coverage = CoverageOutbox(_kafka, SERVICE)
    coverage.start()
    worker = DetectorWorker(
        _kafka,
        _settings,
        monitor(SERVICE),
        states,
        lambda: app.consumer_generation_id,
        tell_coverage=coverage.put,
    )
    on_stuck = partial(leave_if_stuck, _kafka, RECORDS, stuck_after_s)
    gauges = Gauges(metrics.DETECTOR_LAG, metrics.DETECTOR_UNCOMMITTED)
    membership = watch_group(app, _kafka, SERVICE, RECORDS, gauges.lag)
    watch(states, lambda: worker.is_recovering, on_stuck, stuck_after_s, gauges, membership)
    await worker.start()
    async for events in stream.noack_take(_settings.batch_size, within=_settings.batch_within_s):
        # A batch may hold records from before and after a rebalance.
        for generation, group in groupby(events, attrgetter("message.generation_id")):
            batch = list(group)
            records = [incoming(event) for event in batch]
            # Some 30 s of records are held: their offsets, not their messages.
            held = held_offsets(batch)
            await worker.take(records, generation, partial(acknowledge_offsets, app, held))
    await worker.stop()
    coverage.stop(within_s=0.5)


def main() -> None:
    """Run a detector until SIGTERM; does not return."""
    health = start(SERVICE, (KafkaSettings, DetectorSettings))
    prefix, servers = _kafka.topic_prefix, _kafka.bootstrap_servers
    reading = f"{prefix}{RECORDS} as group {_kafka.group_prefix}{SERVICE} at {servers}"
    announce(health, reading=reading, writing=f"{prefix}alerts")
    health.hinder("start", f"waiting for Kafka at {servers}")
    check_topics(_kafka, (RECORDS, "alerts", STATE, DEAD_LETTERS, "brands"))
    run(app)


if __name__ == "__main__":
    main()
