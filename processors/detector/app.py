"""The detector's Faust application: ``tocsin detector``.

A thin shell, as ``processors.enrichment.app`` is: batches of raw records go to
:class:`processors.detector.worker.DetectorWorker`, which acknowledges them once their state is
safe.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import faust

from processors.detector.recovery import RECORDS, SERVICE, STATE
from processors.detector.worker import DetectorWorker
from processors.faust.app import (
    acknowledge,
    create_app,
    incoming,
    leave_if_stuck,
    monitor,
    partition_states,
    raw_topic,
)
from processors.faust.messages import end_process
from processors.faust.watchdog import watch
from runtime.kafka.client import check_topics
from runtime.kafka.dead_letters import TOPIC as DEAD_LETTERS
from runtime.settings import DetectorSettings, KafkaSettings, MonitorSettings, load

_kafka = load(KafkaSettings)
_settings = load(DetectorSettings)
app = create_app(_kafka, SERVICE, _settings.batch_size)
activity = raw_topic(app, _kafka.topic_prefix + RECORDS)


def _generation(event: Any) -> int | None:
    generation: int | None = event.message.generation_id
    return generation


def _by_generation(events: Sequence[Any]) -> Iterator[tuple[int | None, list[Any]]]:
    """A batch may hold records of before and after the partitions were given out anew."""
    for generation, group in groupby(events, key=_generation):
        yield generation, list(group)


@app.agent(activity)
async def detect(stream: Any) -> None:
    """Read batches of records; they are acknowledged when their state is saved."""
    try:
        await _work(
            stream,
            DetectorWorker(
                _kafka,
                _settings,
                monitor(SERVICE),
                partial(partition_states, app),
                lambda: app.consumer_generation_id,
            ),
        )
    except Exception as error:  # noqa: BLE001
        # Left to itself, Faust would log this and go on without an agent, or acknowledge.
        end_process(error)


async def _work(stream: Any, worker: DetectorWorker) -> None:
    stuck = partial(leave_if_stuck, _kafka, RECORDS, _settings.stuck_after_s)
    watch(partial(partition_states, app), lambda: worker.beginning, stuck, _settings.stuck_after_s)
    await worker.start()
    async for events in stream.noack_take(_settings.batch_size, within=_settings.batch_within_s):
        for generation, group in _by_generation(events):
            records = [incoming(event) for event in group]
            await worker.take(records, generation, partial(acknowledge, group))
    await worker.stop()


def main() -> None:
    """Run a detector until SIGTERM; does not return."""
    load(MonitorSettings)
    check_topics(_kafka, (RECORDS, "alerts", STATE, DEAD_LETTERS, "brands"))
    worker = faust.Worker(app, loglevel="WARNING", quiet=True, redirect_stdouts=False)
    worker.spinner = None  # it writes to the terminal even where there is none
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
