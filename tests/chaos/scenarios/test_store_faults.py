"""S3 and S4: an Elasticsearch that refuses, breaks off, stalls and blocks, behind a proxy."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.chaos.ledger import Shares
from tests.chaos.proxy import HttpProxy
from tests.chaos.scenario import Run
from tests.engines.pipeline import BROKEN_SOCKETS, Child

pytestmark = [BROKEN_SOCKETS]
TEN_MINUTES, CI_S = 600, 30
ALL_FAULTS = ("429", "503", "413", "partial", "reset", "reset_after", "hang_up", "stall", "slow")
HELD_S, CI_HELD_S = 60, 10


def some_documents(run: Run, more_than: int = 100) -> None:
    run.pipeline.wait("some documents", lambda: len(run.pipeline.documents()) > more_than)


@pytest.mark.chaos("S3", "Elasticsearch answers 429, 503, 413, in part, late or never", ci=True)
def test_every_bad_answer_mixed(run: Run) -> None:
    # An erasure is five calls in a row, each of which may meet a fault: one in a few seconds.
    feeder = run.feeder(Shares(erase=0.001))
    with HttpProxy(run.pipeline.elasticsearch.url, run.options.seed, stall_s=3.0) as proxy:
        run.through(proxy, timeout_s=2.0)
        run.pipeline.both()
        # Each fault costs up to the 2 s of a time-out: more would only wait until the end.
        feeder.start(150)
        some_documents(run)
        proxy.faults = ALL_FAULTS
        time.sleep(run.options.many(TEN_MINUTES, CI_S))
        proxy.faults = ()
        run.add_faults(proxy.fired)
        run.healed()
        run.close_ledger(feeder)
    assert proxy.fired.keys() == set(ALL_FAULTS), "every kind of fault takes effect"


def held(run: Run, sink: Child, fault: str, begin: Callable[[], object]) -> None:
    """Begins a fault, waits until the sink tells of it, and lets it last.

    A month that is not the current one waits apart; for the current one the whole sink waits.
    """

    def told() -> int:
        said = sink.output()
        return sum(said.count(words) for words in ("does not take writes", "takes no writes;"))

    before = told()
    begin()
    run.pipeline.wait("the sink to notice", lambda: told() > before)
    run.nemesis.fired[fault] += 1
    time.sleep(run.options.many(HELD_S, CI_HELD_S))


@pytest.mark.chaos("S4-read-only", "a month's index takes no writes for a minute")
def test_a_read_only_index(run: Run) -> None:
    feeder = run.feeder()
    _, sink = run.pipeline.both()
    feeder.start(200)
    some_documents(run)
    pattern, client = run.pipeline.names.mentions_pattern, run.pipeline.client

    def block(on: bool | None) -> None:
        settings = {"index.blocks.read_only_allow_delete": on}
        client.indices.put_settings(index=pattern, settings=settings)

    held(run, sink, "read-only index", lambda: block(True))
    block(None)
    run.healed()
    run.close_ledger(feeder)


@pytest.mark.chaos("S4-shards", "the cluster has no room for the index of the next month")
def test_no_room_for_the_next_month(run: Run) -> None:
    # Ten minutes of event time before the end of a month.
    feeder = run.feeder(start=datetime(2026, 3, 31, 23, 50, tzinfo=UTC))
    _, sink = run.pipeline.both()
    feeder.send(feeder.ledger.events(300))
    some_documents(run)
    name, client = "cluster.max_shards_per_node", run.pipeline.client
    used = client.cluster.health()["active_shards"]

    def limit(shards: int | None) -> None:
        client.cluster.put_settings(persistent={name: shards})

    try:
        limit(used)
        held(
            run,
            sink,
            "shard limit",
            lambda: feeder.send(feeder.ledger.events(900)),
        )
    finally:
        limit(None)
    run.healed()
    run.close_ledger(feeder)


@pytest.mark.chaos("S4-template", "the template of the indices is gone when a month begins")
def test_a_template_that_is_gone(run: Run) -> None:
    """The new index has our mapping all the same, or a dynamic one that queries do not find."""
    feeder = run.feeder(Shares(erase=0), start=datetime(2026, 3, 31, 23, 50, tzinfo=UTC))
    _, sink = run.pipeline.both()
    feeder.send(feeder.ledger.events(300))
    some_documents(run)
    client, pattern = run.pipeline.client, run.pipeline.names.mentions_pattern
    prefix = run.pipeline.elasticsearch.index_prefix
    templates = client.indices.get_index_template()["index_templates"]
    ours = [t["name"] for t in templates if prefix in str(t["index_template"]["index_patterns"])]
    for name in ours:
        client.indices.delete_index_template(name=name)
        run.nemesis.fired["template deleted"] += 1
    feeder.send(feeder.ledger.events(900))
    time.sleep(run.options.many(20, 10))
    # What a person does, whether the sink has gone on, waits, or has ended with this advice.
    assert run.pipeline.tocsin("index", "setup").returncode == 0
    if sink.process.poll() is not None:
        sink.start()
    run.healed()
    run.close_ledger(feeder)
    mappings = client.indices.get_mapping(index=pattern)
    assert len(mappings) == 2, f"two months, {sorted(mappings)}"
    kinds = {
        index: answer["mappings"]["properties"]["brands"]["type"]
        for index, answer in mappings.items()
    }
    assert set(kinds.values()) == {"keyword"}, f"an index was made without its mapping: {kinds}"
