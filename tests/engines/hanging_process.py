"""``tocsin process`` with one annotator that never ends on a post with ``HANGS`` in its text.

Run as ``python -m tests.engines.hanging_process``. The worker, its producer, its attempts and its
brands are those of the service; only the enricher is handed in.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from processors.enrichment.annotators.base import Annotator
from processors.enrichment.annotators.brands import BrandAnnotator
from processors.enrichment.batch import SERVICE
from processors.enrichment.enricher import Enricher
from processors.enrichment.worker import EnrichmentWorker, Parts
from processors.faust.app import create_app, monitor, raw_topic, run, start
from processors.faust.messages import end_process
from runtime.clock import utc_now
from runtime.settings import KafkaSettings, ProcessSettings, load
from schemas.mention import Mention

HANGS = "velmora never ends"
SAYS = "an annotator hangs"
"""Printed when it begins to hang."""

_kafka, _settings = load(KafkaSettings), load(ProcessSettings)
app = create_app(_kafka, SERVICE, _settings.batch_size, _settings.data_dir, lists=True)
posts = raw_topic(app, _kafka.topic_prefix + "posts")


class HangingAnnotator(Annotator):
    name = "hanging"
    version = "1"

    def annotate(self, batch: Sequence[Mention]) -> None:
        if any(HANGS in mention.post.text for mention in batch):
            print(SAYS, file=sys.stderr, flush=True)
            while True:
                time.sleep(1)


def _worker() -> EnrichmentWorker:
    parts = Parts.of(_kafka, utc_now)
    enricher = Enricher([BrandAnnotator(parts.brands.matcher), HangingAnnotator()])
    parts = replace(parts, enricher=enricher)
    return EnrichmentWorker(_kafka, _settings, monitor(SERVICE), parts=parts)


@app.agent(posts)
async def enrich(stream: Any) -> None:
    try:
        worker = _worker()
        await worker.start()
        while True:
            taken = await app.intake.take(_settings.batch_size, within_s=0.2)
            await worker.take(taken.messages, taken.acknowledge)
    except Exception as error:  # noqa: BLE001
        end_process(error)


if __name__ == "__main__":
    start(SERVICE, (KafkaSettings, ProcessSettings))
    run(app)
