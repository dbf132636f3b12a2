"""kill -9 of each service in mid-stream, then restart: nothing is missing, nothing is doubled."""

from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from ingestors.generator.accounts import brands
from ingestors.generator.source import generate
from schemas.post import PostEvent
from tests.engines.expected import final_state
from tests.engines.pipeline import BROKEN_SOCKETS, FAST, Pipeline
from tocsin.local.stack.engines import Component

pytestmark = [pytest.mark.engines, BROKEN_SOCKETS]

POSTS = 6_000
INGEST = ("ingest", "generate", "--posts", str(POSTS), "--start", "2026-03-01T00:00:00")


@cache
def the_day() -> list[PostEvent]:
    return list(generate(1, POSTS, datetime(2026, 3, 1, tzinfo=UTC), timedelta(hours=24)))


def posted(pipeline: Pipeline) -> list[str]:
    return [record.key.decode() for record in pipeline.read("posts")]


def run_and_compare(pipeline: Pipeline) -> None:
    """Waits for the end of the stream and compares the index with the expected one."""
    day = the_day()
    pipeline.wait("the last event", lambda: day[-1].id in posted(pipeline))
    pipeline.wait_until_idle(len(day))
    versions = {id_: document["_version"] for id_, document in pipeline.documents().items()}
    assert versions == final_state(day, brands())
    assert pipeline.meter.look().written["dead-letters"] == 0


def test_ingestor(pipeline: Pipeline) -> None:
    pipeline.apply(brands())
    ingest = pipeline.start(
        "ingest", *INGEST, "--pace", "7200", TOCSIN_INGEST_CHECKPOINT_INTERVAL_S="1"
    )
    pipeline.wait("a first checkpoint", lambda: bool(pipeline.read("checkpoints")))
    pipeline.wait("some posts", lambda: pipeline.meter.look().written["posts"] > 500)
    ingest.kill()
    written = pipeline.meter.look().written["posts"]
    assert 500 < written < POSTS, "the kill came too late to be in mid-stream"
    pipeline.process()
    pipeline.sink()
    ingest.start()
    run_and_compare(pipeline)
    repeated = len(posted(pipeline)) - len(the_day())
    assert repeated < written, "it began again from the start instead of its checkpoint"
    assert ingest.stop() == 0


def test_processor(pipeline: Pipeline) -> None:
    pipeline.apply(brands())
    pipeline.start("ingest", *INGEST)
    pipeline.sink()
    process = pipeline.process(TOCSIN_PROCESS_BATCH_SIZE="100")
    pipeline.wait("some mentions", lambda: pipeline.meter.look().written["mentions"] > 300)
    process.kill()
    assert pipeline.meter.look().lag["posts"] > 0, "the kill came too late to be in mid-stream"
    process.start()
    run_and_compare(pipeline)


def test_sink(pipeline: Pipeline) -> None:
    pipeline.apply(brands())
    pipeline.start("ingest", *INGEST)
    pipeline.process()
    sink = pipeline.sink(TOCSIN_SINK_BATCH_SIZE="100")
    pipeline.wait("some documents", lambda: len(pipeline.documents()) > 200)
    sink.kill()
    assert pipeline.meter.look().lag["mentions"] > 0, "the kill came too late to be in mid-stream"
    sink.start()
    run_and_compare(pipeline)


def test_copies_that_join_and_leave(pipeline: Pipeline) -> None:
    """Rebalances in mid-stream: partitions move after a clean stop and after kill -9."""
    pipeline.apply(brands())
    pipeline.start("ingest", *INGEST, "--pace", "2880")
    first, sink = pipeline.process(TOCSIN_PROCESS_BATCH_SIZE="50"), pipeline.sink()
    pipeline.wait("some documents", lambda: len(pipeline.documents()) > 100)
    second = pipeline.start("process-2", "process", **FAST, TOCSIN_PROCESS_BATCH_SIZE="50")
    other_sink = pipeline.start("sink-2", "sink", "elasticsearch", TOCSIN_SINK_BATCH_SIZE="50")
    pipeline.wait("the second processor", lambda: "count=" in second.output())
    pipeline.wait("more documents", lambda: len(pipeline.documents()) > 800)
    assert first.stop() == 0
    sink.kill()
    assert pipeline.meter.look().written["posts"] < len(the_day()), "no longer in mid-stream"
    pipeline.wait("the copies to take over", lambda: len(pipeline.documents()) > 1_500)
    assert other_sink.process.poll() is None
    run_and_compare(pipeline)


@pytest.mark.parametrize("component", ["kafka", "elasticsearch"])
def test_engine(pipeline: Pipeline, component: Component) -> None:
    """A dead broker or store: services hold, or a supervisor restarts them."""
    pipeline.apply(brands())
    ingest = pipeline.start("ingest", *INGEST, "--pace", "7200")
    process = pipeline.process(TOCSIN_PROCESS_BATCH_SIZE="100")
    sink = pipeline.sink(TOCSIN_SINK_BATCH_SIZE="100")
    pipeline.wait("some documents", lambda: len(pipeline.documents()) > 200)
    stack = pipeline.engines.stack
    stack.kill(component)
    try:
        if component == "elasticsearch":
            pipeline.wait("the sink to notice", lambda: "does not take writes" in sink.output())
    finally:
        stack.restart(component)
    services, total = (ingest, process, sink), len(the_day())

    def supervised() -> bool:
        for service in services:
            if service.process.poll() not in (None, 0):
                service.start()
        flow = pipeline.meter.look()
        return flow.written["posts"] >= total and flow.idle

    pipeline.wait("the stream to come to its end", supervised, dying=True)
    run_and_compare(pipeline)
