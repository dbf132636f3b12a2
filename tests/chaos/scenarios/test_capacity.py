"""S5, S13, S20: full disks, an hour of load, and two releases side by side."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from tests import make
from tests.chaos.gauges import metric
from tests.chaos.ledger import BRANDS, Ledger, Sent, Shares
from tests.chaos.nemesis import SmallDisk, no_small_disk
from tests.chaos.rig import ChaosPipeline, Feeder
from tests.chaos.scenario import Options, Row, Run
from tests.engines.pipeline import BROKEN_SOCKETS, FAST
from tests.stack_fixtures import RunningEngines
from tocsin.local.stack.engines import EnginesStack

pytestmark = [BROKEN_SOCKETS]
DISK_MB = 500
"""Both servers need some of it before the first message."""
FULL_BYTES = 2**20
REFUSED_S = 20.0
LEFT_MB = 24
"""Room that is left for messages before the disk is full."""


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    why = no_small_disk()
    if why is not None:
        pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix="tocsin-disk-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with SmallDisk(folder, DISK_MB) as disk:
            yield disk
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.chaos("S5", "the disk of Kafka and Elasticsearch is full, and is enlarged")
def test_a_full_disk(row: Row, disk: SmallDisk, tmp_path: Path) -> None:
    """A server that stops on a full disk is started again once there is room, as services are."""
    options, began = Options.of_environment(), time.monotonic()
    stack = EnginesStack(disk.folder / "data", short_lived=True)
    endpoints = stack.start(lambda line: None)
    try:
        with closing(ChaosPipeline(RunningEngines(stack, endpoints), tmp_path)) as pipeline:
            feeder = Feeder(pipeline, LongLedger(options.seed))
            pipeline.both()
            feeder.send(feeder.ledger.events(500))
            pipeline.drain(500)
            used = disk.megabytes - disk.free_bytes // 2**20
            disk.resize(used + LEFT_MB)
            feeder.start(400)
            deadline = time.monotonic() + options.many(180, 60)

            def is_full() -> bool:
                # A server may refuse or stop before: it needs room for a whole new segment.
                refused = stack.failure() is not None or feeder.waits_s > REFUSED_S
                return refused or disk.free_bytes <= FULL_BYTES

            while not is_full() and time.monotonic() < deadline:
                time.sleep(0.5)
            assert is_full(), "the disk was never full"
            row.faults["full disk"] = 1
            time.sleep(options.many(20, 10))
            disk.resize(4 * DISK_MB)
            healed = time.monotonic()
            for component in ("kafka", "elasticsearch"):
                if stack.failure() is not None:
                    stack.restart(component)  # type: ignore[arg-type]
                    row.faults[f"{component} restarted"] = 1
            time.sleep(5)
            row.events = feeder.finish()
            pipeline.drain(row.events, dying=True)
            row.recovery_s = round(time.monotonic() - healed, 1)
            pipeline.sweep()
            found = pipeline.compare(feeder)
            row.lost, row.doubled = len(found.lost), len(found.doubled)
            row.repeated, row.fired = found.repeated, True
            assert not found.lost and not found.doubled, str(found)
    finally:
        stack.stop()
        row.seconds = round(time.monotonic() - began, 1)


class LongLedger(Ledger):
    """A ledger whose posts are long enough to fill a disk."""

    def events(self, count: int) -> Iterator[Sent]:
        for message in super().events(count):
            yield _long(message)


def _long(sent: Sent) -> Sent:
    """The same message, three kilobytes longer."""
    event = sent.event
    if event is None or event.op != "upsert":
        return sent
    padding = " ".join(f"word{n * 7919 % 99991}" for n in range(300))
    post = msgspec.structs.replace(event.post, text=f"{event.post.text} {padding}")
    longer = make.upsert(post, event.version, event.ingested_at)
    return sent._replace(event=longer, value=msgspec.json.encode(longer))


HOUR_S, PER_S = 3_600, 500
MAX_BATCH_S = 30.0


@pytest.mark.chaos("S13", "an hour of load on all roles, with a thousand brands")
def test_an_hour_of_load(run: Run) -> None:
    """Nothing grows, and posts are found soon after they are written."""
    pipeline = run.pipeline
    others = [make.brand(f"other{n}", names=[f"zzqx{n}"]) for n in range(1_000 - len(BRANDS))]
    pipeline.apply([*BRANDS, *others])
    pipeline.role("process", **{**FAST, "TOCSIN_PROCESS_BATCH_SIZE": "500"})
    sink = pipeline.role("sink", TOCSIN_SINK_BATCH_SIZE="1000")
    pipeline.role("detector")
    pipeline.alerts()
    feeder = run.feeder(Shares(erase=0.0001), per_second=50)
    feeder.start(PER_S * min(1.0, (os.cpu_count() or 1) / 2))
    time.sleep(run.options.many(HOUR_S, 60))
    run.nemesis.fired["seconds of load"] = run.options.many(HOUR_S, 60)
    late = slow_share(pipeline, sink.name)
    run.close_ledger(feeder)
    assert late <= 0.01, f"{late:.1%} of the batches took longer than {MAX_BATCH_S:.0f} s"


def slow_share(pipeline: ChaosPipeline, name: str) -> float:
    """Share of the sink's batches that took longer than ``MAX_BATCH_S`` from poll to commit."""
    port, histogram = pipeline.ports[name], "tocsin_sink_batch_seconds"
    every = metric(port, f"{histogram}_count")
    within = metric(port, f"{histogram}_bucket", le=str(MAX_BATCH_S))
    return 0.0 if not every else 1 - within / every


@pytest.mark.chaos("S20", "messages of the release before, and of one to come")
def test_messages_of_other_releases(run: Run) -> None:
    """Without the newest optional fields, and with fields that nobody knows yet."""
    pipeline = run.pipeline
    feeder = run.feeder(Shares(poison=0))
    sent = list(feeder.ledger.events(run.options.many(4_000, 1_000)))
    messages = []
    for number, message in enumerate(sent):
        fields = msgspec.json.decode(message.value)
        if number % 2:
            fields["of_a_later_release"] = {"a": [1, 2, 3]}
            fields.get("post", {})["also_later"] = "b"
        else:
            post = fields.get("post", {})
            for name in ("copied_from", "labels", "claimed_at", "truncated"):
                post.pop(name, None)
        messages.append((message.key, msgspec.json.encode(fields)))
    process, sink = pipeline.both()
    run.nemesis.fired["message of another release"] = len(messages)
    third = len(messages) // 3
    pipeline.produce("posts", messages[:third])
    run.pipeline.wait("the first part", lambda: pipeline.committed("process") >= third // 2)
    for child in (process, sink):
        # As in a rolling update: one role after the other.
        assert run.nemesis.terminate(child) == 0
        child.start()
        pipeline.produce("posts", messages[third : 2 * third] if child is process else [])
    pipeline.produce("posts", messages[2 * third :])
    run.healed()
    pipeline.drain(len(messages))
    run.recovered()
    run.row.events = len(messages)
    pipeline.sweep()
    run.count(pipeline.compare(feeder))
