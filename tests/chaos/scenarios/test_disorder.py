"""S10 and S11: events three times and out of order; bursts far over the capacity."""

import random
import time
from itertools import pairwise

import pytest

from tests.chaos.ledger import Sent, Shares
from tests.chaos.scenario import Run
from tests.engines.pipeline import BROKEN_SOCKETS

pytestmark = [BROKEN_SOCKETS]
HOUR = 3_600
"""Messages within an hour of event time, at one a second."""


def shuffled(sent: list[Sent], times: int, within: int, seed: int) -> list[Sent]:
    """Each message so many times, none further from its place than ``within`` messages."""
    dice = random.Random(seed)
    keyed = [
        (place + dice.uniform(-within, within), message)
        for place, message in enumerate(sent)
        for _ in range(times)
    ]
    return [message for _, message in sorted(keyed, key=lambda pair: pair[0])]


@pytest.mark.chaos("S10", "each event three times, within an hour of its place")
def test_disorder(run: Run) -> None:
    """Edits before their posts, deletes before both, erasures before all: versions decide."""
    pipeline = run.pipeline
    feeder = run.feeder(Shares(poison=0, erase=0.001))
    sent = list(feeder.ledger.events(run.options.many(20_000, 3_000)))
    stream = shuffled(sent, 3, HOUR, run.options.seed)
    pipeline.both()
    run.nemesis.fired["repeated"] += 2 * len(sent)
    run.nemesis.fired["out of order"] += sum(
        a.event is not None and b.event is not None and a.event.version > b.event.version
        for a, b in pairwise(stream)
    )
    run.healed()
    feeder.send(stream)
    pipeline.drain(len(stream))
    run.recovered()
    run.row.events = len(stream)
    pipeline.sweep()
    run.count(pipeline.compare(feeder))


BURST_PER_S, BURST_S = 20_000, 60
MAX_RSS_MB = 1_500


@pytest.mark.chaos("S11", "bursts of 20,000 posts a second for a minute")
def test_bursts(run: Run) -> None:
    """The lag grows and is worked off; memory stays bounded; the tier falls back and returns."""
    pipeline = run.pipeline
    feeder = run.feeder(Shares(edit=0, delete=0, erase=0))
    count = run.options.many(BURST_PER_S * BURST_S, 20_000)
    process, _ = pipeline.both(
        TOCSIN_PROCESS_BATCH_SIZE="500",
        TOCSIN_SINK_BATCH_SIZE="1000",
        TOCSIN_PROCESS_TIER="auto",
        TOCSIN_PROCESS_FAST_ABOVE_LAG="5000",
    )
    began = time.monotonic()
    most, fell_back = 0, False
    for _ in range(20):
        feeder.send(feeder.ledger.events(count // 20))
        lag = pipeline.meter.look().lag["posts"]
        most = max(most, lag)
        fell_back = fell_back or pipeline.metric(process, "tocsin_process_fast_fallback") == 1
    run.nemesis.fired["messages behind"] = most
    assert time.monotonic() - began < 3_600
    assert most > 5_000, "the burst was no burst"
    run.healed()
    pipeline.wait(
        "the tier to fall back",
        lambda: fell_back or pipeline.metric(process, "tocsin_process_fast_fallback") == 1,
        patience_s=60,
    )
    run.close_ledger(feeder)
    pipeline.wait(
        "the tier to return",
        lambda: pipeline.metric(process, "tocsin_process_fast_fallback") == 0,
        patience_s=60,
    )
    peaks = run.gauges.peak_megabytes
    assert max(peaks.values()) < MAX_RSS_MB, f"memory is not bounded: {peaks}"
